import type { JSX } from 'preact';
import { useAttempt } from '../../api/attempt.ts';
import { useLive } from '../../api/live.ts';
import type { Page, Projection, Rebuild } from '../../api/types.ts';
import { Badge } from '../../components/badge.tsx';
import { Button } from '../../components/button.tsx';
import { Outcome } from '../../components/outcome.tsx';
import { Panel } from '../../components/panel.tsx';
import { grouped } from '../../lib/amount.ts';
import { formatAge } from '../../lib/time.ts';
import { Rebuilds } from './rebuilds.tsx';
import { lookOfProjection, titleOf } from './words.ts';

const EVERY_MS = 1_000;

/** The read models, each with how far it has come, and the rebuilds of all of them. */
export function ProjectionsPanel(props: { readonly projections: readonly Projection[] }): JSX.Element {
  const rebuilds = useLive<Page<Rebuild>>('/projections/rebuilds', { everyMs: EVERY_MS });
  const all = rebuilds.data?.data ?? [];
  return (
    <Panel title="Read models">
      <ul aria-label="Read models" class="grid">
        {props.projections.map((projection) => (
          <ProjectionRow
            key={projection.name}
            projection={projection}
            isRebuilding={all.some(({ name, finishedAt }) => name === projection.name && finishedAt === null)}
            // What served before is kept for a while after another took over. Only the service knows how long.
            hasEarlier={all.some(({ name, state }) => name === projection.name && state === 'done')}
          />
        ))}
      </ul>
      <Rebuilds rebuilds={all} />
    </Panel>
  );
}

type ProjectionRowProps = {
  readonly projection: Projection;
  readonly isRebuilding: boolean;
  readonly hasEarlier: boolean;
};

function ProjectionRow({ projection, isRebuilding, hasEarlier }: ProjectionRowProps): JSX.Element {
  const { name, position, lagEvents, lagMs, error, failedPosition } = projection;
  const rebuild = useAttempt<Rebuild>();
  const rollback = useAttempt<Rebuild>();
  const isSending = rebuild.state.kind === 'sending' || rollback.state.kind === 'sending';
  const [look, word] = lookOfProjection(projection.state);
  const path = `/projections/${encodeURIComponent(name)}`;
  const last = rebuild.state.kind === 'idle' ? rollback.state : rebuild.state;

  function ask(what: 'rebuild' | 'rollback'): void {
    rebuild.reset();
    rollback.reset();
    void (what === 'rebuild' ? rebuild : rollback).send(`${path}/${what}`, {});
  }

  return (
    <li class="grid gap-2 border-t border-line py-3 first:border-t-0 first:pt-0">
      <div class="flex flex-wrap items-center justify-between gap-x-4 gap-y-2">
        <div class="min-w-0">
          <p class="flex flex-wrap items-center gap-2 font-medium">
            {titleOf(name)} <Badge look={look}>{word}</Badge>
          </p>
          <p class="text-sm text-muted">
            Event {grouped(position)} ·{' '}
            {lagEvents === '0'
              ? 'up to date'
              : `${grouped(lagEvents)} behind${lagMs < 1_000 ? '' : `, ${formatAge(lagMs)}`}`}
          </p>
        </div>
        <div class="flex gap-2">
          {hasEarlier && (
            <Button
              look="quiet"
              size="small"
              disabled={isSending || isRebuilding}
              onClick={() => ask('rollback')}
            >
              Roll back<span class="sr-only"> {titleOf(name)}</span>
            </Button>
          )}
          <Button
            look="plain"
            size="small"
            disabled={isSending || isRebuilding}
            onClick={() => ask('rebuild')}
          >
            Rebuild<span class="sr-only"> {titleOf(name)}</span>
          </Button>
        </div>
      </div>
      {error !== null && (
        <p class="text-sm wrap-anywhere text-bad">
          {failedPosition === null ? '' : `It stands still in front of event ${grouped(failedPosition)}: `}
          {error}
        </p>
      )}
      <Outcome state={last} done={({ generation }) => <p>Generation {generation} was asked for.</p>} />
    </li>
  );
}
