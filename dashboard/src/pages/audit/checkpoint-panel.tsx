import type { JSX } from 'preact';
import type { Live } from '../../api/live.ts';
import type { Checkpoint, PublicKey } from '../../api/types.ts';
import { Badge } from '../../components/badge.tsx';
import { ProblemNote } from '../../components/outcome.tsx';
import { Empty, Figure, Panel } from '../../components/panel.tsx';
import { grouped } from '../../lib/amount.ts';
import { formatTime } from '../../lib/time.ts';

type CheckpointPanelProps = { readonly checkpoint: Live<Checkpoint>; readonly keys: readonly PublicKey[] };

/** The last one that was signed. Who keeps it can prove every later change to the events under it. */
export function CheckpointPanel({ checkpoint, keys }: CheckpointPanelProps): JSX.Element {
  const { data, problem } = checkpoint;
  return (
    <Panel title="Latest checkpoint" aside={data === null ? null : <Unsealed count={data.unsealedEvents} />}>
      {data === null ? (
        <Nothing problem={problem} />
      ) : (
        <div class="grid gap-4">
          <dl class="grid grid-cols-2 gap-4">
            <Figure label="Sealed events" value={grouped(data.treeSize)} />
            <Figure
              label="Signed"
              value={
                <time class="text-base" dateTime={data.sealedAt}>
                  {formatTime(data.sealedAt)}
                </time>
              }
            />
          </dl>
          <Code label="Root hash" text={data.rootHash} />
          <Code label="Origin" text={data.origin} />
          <details class="text-sm">
            <summary class="font-medium">The signed note, to keep elsewhere</summary>
            <pre
              class="mt-2 overflow-x-auto rounded-lg bg-tint p-3 font-mono text-xs"
              tabIndex={0}
              role="region"
              aria-label="The signed note"
            >
              {data.note}
            </pre>
          </details>
          {keys.length > 0 && <Keys keys={keys} />}
        </div>
      )}
    </Panel>
  );
}

function Nothing({ problem }: Pick<Live<Checkpoint>, 'problem'>): JSX.Element {
  if (problem === null || problem.code === 'checkpoint_not_found')
    return <Empty>Nothing has been sealed yet.</Empty>;
  return <ProblemNote problem={problem} />;
}

function Unsealed({ count }: { readonly count: string }): JSX.Element {
  return count === '0' ? (
    <Badge look="good">All events are sealed</Badge>
  ) : (
    <Badge look="warn">{grouped(count)} not sealed yet</Badge>
  );
}

function Keys({ keys }: { readonly keys: readonly PublicKey[] }): JSX.Element {
  return (
    <details class="text-sm">
      <summary class="font-medium">
        {keys.length === 1 ? 'The public key' : `${keys.length} public keys`}, to check signatures with
      </summary>
      <ul class="mt-2 grid gap-2">
        {keys.map(({ vkey, current }) => (
          <li key={vkey} class="rounded-lg bg-tint p-3">
            <span class="font-mono text-xs wrap-anywhere">{vkey}</span>{' '}
            {current && <Badge look="good">signs now</Badge>}
          </li>
        ))}
      </ul>
    </details>
  );
}

function Code({ label, text }: { readonly label: string; readonly text: string }): JSX.Element {
  return (
    <div class="text-sm">
      <p class="text-muted">{label}</p>
      <p class="font-mono text-xs wrap-anywhere">{text}</p>
    </div>
  );
}
