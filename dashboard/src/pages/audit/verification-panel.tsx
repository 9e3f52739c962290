import type { JSX } from 'preact';
import { useAttempt } from '../../api/attempt.ts';
import { useLive } from '../../api/live.ts';
import type { Page, Verification } from '../../api/types.ts';
import { Badge, type BadgeLook } from '../../components/badge.tsx';
import { Button } from '../../components/button.tsx';
import { Outcome, ProblemNote } from '../../components/outcome.tsx';
import { Empty, Panel } from '../../components/panel.tsx';
import { Progress } from '../../components/progress.tsx';
import { grouped } from '../../lib/amount.ts';
import { formatTime } from '../../lib/time.ts';
import { Findings } from './findings.tsx';

const EVERY_MS = 1_000;
const MOST_SHOWN = 5;

/** The whole log derived anew and held against everything else, here set going and watched. */
export function VerificationPanel(): JSX.Element {
  const { data, problem } = useLive<Page<Verification>>('/audit/verifications', { everyMs: EVERY_MS });
  const attempt = useAttempt<Verification>();
  const [latest, ...before] = data?.data ?? [];
  const isRunning = latest?.state === 'running';
  return (
    <Panel title="Verification">
      <div class="grid gap-4">
        <p class="text-sm text-muted">
          Derives every balance twice from the first event on, and holds log, entries, heads, read models and
          checkpoints against each other.
        </p>
        <div>
          <Button
            disabled={isRunning || attempt.state.kind === 'sending'}
            onClick={() => void attempt.send('/audit/verifications', {})}
          >
            Verify the log
          </Button>
        </div>
        {attempt.state.kind !== 'done' && <Outcome state={attempt.state} done={() => null} />}
        <div aria-live="polite">
          {latest !== undefined && <Result verification={latest} />}
          {latest === undefined && problem !== null && <ProblemNote problem={problem} />}
          {latest === undefined && problem === null && <Empty>This process was not asked for one yet.</Empty>}
        </div>
        {before.length > 0 && <Earlier verifications={before.slice(0, MOST_SHOWN)} />}
      </div>
    </Panel>
  );
}

function Result({ verification }: { readonly verification: Verification }): JSX.Element {
  const { state, eventsTotal, verifiedPosition, findings, findingCount, startedAt, finishedAt } =
    verification;
  const [look, word] = lookOf(state);
  return (
    <div class="grid gap-3">
      <p class="flex flex-wrap items-center gap-x-3 gap-y-1 text-sm">
        <Badge look={look}>{word}</Badge>
        <span class="text-muted">Begun {formatTime(startedAt)}</span>
      </p>
      {state === 'running' && <Progress label="Verification" {...verification} />}
      {state === 'clean' && (
        <p class="text-sm">
          {grouped(eventsTotal)} events in {durationOf(startedAt, finishedAt)}
          {verifiedPosition !== null && `: all is as it has to be up to event ${grouped(verifiedPosition)}`}.
        </p>
      )}
      {state === 'failed' && <p class="text-sm">It could not be brought to an end. The log tells why.</p>}
      {findingCount > 0 && (
        <>
          <p class="text-sm font-medium text-bad">
            {grouped(findingCount.toString())} {findingCount === 1 ? 'finding' : 'findings'}
            {findingCount > findings.length && `, of which the first ${findings.length} are shown`}
          </p>
          <Findings label="Findings of the verification" findings={findings} />
        </>
      )}
    </div>
  );
}

function Earlier(props: { readonly verifications: readonly Verification[] }): JSX.Element {
  return (
    <div>
      <h3 class="mb-2 text-sm font-semibold">Before</h3>
      <ul class="grid gap-1.5">
        {props.verifications.map(({ id, state, startedAt, findingCount }) => {
          const [look, word] = lookOf(state);
          return (
            <li key={id} class="flex flex-wrap items-center gap-x-3 text-sm">
              <Badge look={look}>{word}</Badge>
              <time class="text-muted" dateTime={startedAt}>
                {formatTime(startedAt)}
              </time>
              {findingCount > 0 && <span>{grouped(findingCount.toString())} findings</span>}
            </li>
          );
        })}
      </ul>
    </div>
  );
}

function lookOf(state: Verification['state']): readonly [BadgeLook, string] {
  switch (state) {
    case 'running':
      return ['warn', 'Running'];
    case 'clean':
      return ['good', 'Clean'];
    case 'findings':
      return ['bad', 'Findings'];
    case 'failed':
      return ['bad', 'Failed'];
    case 'canceled':
      return ['plain', 'Canceled'];
  }
}

function durationOf(startedAt: string, finishedAt: string | null): string {
  const ms = Date.parse(finishedAt ?? startedAt) - Date.parse(startedAt);
  return `${(ms / 1_000).toFixed(1)} s`;
}
