import type { JSX } from 'preact';
import { Chart } from '../../components/chart.tsx';
import { useNow } from '../../components/freshness.tsx';
import { Figure, Panel } from '../../components/panel.tsx';
import { grouped } from '../../lib/amount.ts';
import { WINDOW_SECONDS } from './use-activity.ts';

const RECENT_SECONDS = 10;

/** Events per second over the last two minutes, up to the last whole second. */
export function Throughput({ seconds }: { readonly seconds: ReadonlyMap<number, number> }): JSX.Element {
  const last = Math.floor(useNow() / 1_000) - 1;
  const xs = Array.from({ length: WINDOW_SECONDS }, (_, index) => last - WINDOW_SECONDS + 1 + index);
  const values = xs.map((second) => seconds.get(second) ?? 0);
  const recent = values.slice(-RECENT_SECONDS).reduce((sum, value) => sum + value, 0) / RECENT_SECONDS;
  const most = Math.max(...values);
  return (
    <Panel title="Throughput">
      <dl class="mb-3 flex flex-wrap gap-x-10 gap-y-2">
        <Figure label="Now, events per second" value={recent.toFixed(1)} />
        <Figure label="Most in two minutes" value={grouped(most.toString())} />
      </dl>
      <Chart
        label="Events per second over the last two minutes"
        xs={xs}
        series={[{ label: 'Events per second', values }]}
        heightPx={160}
      />
    </Panel>
  );
}
