import type { JSX } from 'preact';
import { useLive } from '../../api/live.ts';
import type { Operations } from '../../api/types.ts';
import { Empty, Panel } from '../../components/panel.tsx';
import { grouped } from '../../lib/amount.ts';
import { formatTime } from '../../lib/time.ts';
import { reasonName } from '../../lib/transaction-types.ts';

const MOST_SHOWN = 8;
const EVERY_MS = 2_000;

/** Declined attempts by reason, the most frequent first: as this process counts them, else as they came in the stream. */
export function Refusals({ seen }: { readonly seen: ReadonlyMap<string, number> }): JSX.Element {
  const { data } = useLive<Operations>('/operations', { everyMs: EVERY_MS });
  const counted = data?.refusals.map(({ code, count }) => [code, count] as const) ?? [...seen];
  const reasons = counted.toSorted(([, one], [, other]) => other - one).slice(0, MOST_SHOWN);
  const most = reasons[0]?.[1] ?? 1;
  const since = data === null ? 'Of the events seen' : `Since ${formatTime(data.process.startedAt)}`;
  return (
    <Panel title="Refusals by reason" aside={<p class="text-sm text-muted">{since}</p>}>
      {reasons.length === 0 ? (
        <Empty>Nothing was declined.</Empty>
      ) : (
        <ul class="grid gap-3">
          {reasons.map(([code, count]) => (
            <li key={code} class="grid gap-1 text-sm">
              <div class="flex items-baseline justify-between gap-3">
                <a
                  class="underline underline-offset-2"
                  href={`/problems/${code}`}
                  target="_blank"
                  rel="noreferrer"
                >
                  {reasonName(code)}
                </a>
                <span class="font-medium">{grouped(count.toString())}</span>
              </div>
              <div class="h-1.5 rounded-full bg-tint" aria-hidden="true">
                <div class="h-full rounded-full bg-bad" style={{ width: `${(count / most) * 100}%` }} />
              </div>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
