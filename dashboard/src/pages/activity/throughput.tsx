import type { JSX } from 'preact';
import { Chart } from '../../components/chart.tsx';
import { useNow } from '../../components/freshness.tsx';
import { Figure, Panel } from '../../components/panel.tsx';
import { grouped } from '../../lib/amount.ts';
import { formatClock } from '../../lib/time.ts';
import { WINDOW_SECONDS } from './use-activity.ts';

const RECENT_SECONDS = 10;

type ThroughputProps = {
  readonly seconds: ReadonlyMap<number, number>;
  /** Before it some events were not seen; null while nothing is known. */
  readonly knownFrom: number | null;
};

/** Events per second over the last two minutes, up to the last whole second; of what was not seen nothing is said. */
export function Throughput({ seconds, knownFrom }: ThroughputProps): JSX.Element {
  const last = Math.floor(useNow() / 1_000) - 1;
  const xs = Array.from({ length: WINDOW_SECONDS }, (_, index) => last - WINDOW_SECONDS + 1 + index);
  const from = knownFrom ?? Infinity;
  const values = xs.map((second) => (second < from ? null : (seconds.get(second) ?? 0)));
  const known = values.filter((value) => value !== null);
  const recent = known.slice(-RECENT_SECONDS);
  const whole = known.length === WINDOW_SECONDS;
  return (
    <Panel title="Throughput">
      <dl class="mb-3 flex flex-wrap gap-x-10 gap-y-2">
        <Figure
          label="Now, events per second"
          value={
            recent.length === 0
              ? '–'
              : (recent.reduce((sum, value) => sum + value, 0) / recent.length).toFixed(1)
          }
        />
        <Figure
          label={
            whole || known.length === 0
              ? 'Most in two minutes'
              : `Most since ${formatClock(new Date(from * 1_000).toISOString())}`
          }
          value={known.length === 0 ? '–' : grouped(Math.max(...known).toString())}
        />
      </dl>
      <Chart
        label="Events per second over the last two minutes"
        xs={xs}
        series={[{ label: 'Events per second', values }]}
        heightPx={160}
        exact={(index) => `${values[index] ?? 0} events`}
        format={(value) => grouped(value.toString())}
        isWhole
      />
    </Panel>
  );
}
