/** How far long work has come: a bar, and the same in words. */
import type { JSX } from 'preact';
import { grouped } from '../lib/amount.ts';
import { formatSeconds } from '../lib/time.ts';

type ProgressProps = {
  readonly label: string;
  readonly eventsDone: string;
  readonly eventsTotal: string;
  readonly eventsPerSecond: string;
  readonly secondsLeft: number | null;
};

export function Progress(props: ProgressProps): JSX.Element {
  const { label, eventsDone, eventsTotal, eventsPerSecond, secondsLeft } = props;
  const percent = percentOf(eventsDone, eventsTotal);
  return (
    <div class="grid gap-1">
      <div
        role="progressbar"
        aria-label={label}
        aria-valuenow={percent}
        aria-valuemin={0}
        aria-valuemax={100}
        class="h-2 overflow-hidden rounded-full bg-tint"
      >
        <div class="h-full rounded-full bg-accent transition-all" style={{ width: `${percent}%` }} />
      </div>
      <p class="text-sm text-muted">
        {percent} % · {grouped(eventsDone)} of {grouped(eventsTotal)} events
        {eventsPerSecond !== '0' && ` · ${grouped(eventsPerSecond)} a second`}
        {secondsLeft !== null && ` · ${formatSeconds(secondsLeft)} left`}
      </p>
    </div>
  );
}

/** A whole number from 0 to 100. */
function percentOf(done: string, total: string): number {
  if (BigInt(total) <= 0n) return 0;
  const percent = Number((BigInt(done) * 100n) / BigInt(total));
  return Math.min(100, Math.max(0, percent));
}
