import type { JSX } from 'preact';
import { useLive } from '../../api/live.ts';
import type { Asset, DailyActivity, Page } from '../../api/types.ts';
import { Chart } from '../../components/chart.tsx';
import { approximately, formatAmount } from '../../lib/amount.ts';

const EVERY_MS = 30_000;
const DAYS = 30;
const MOST_IN_WORDS = 1e15;

const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 2 });

/** For the axis: "1.5K", and "2e+20" where there are no words for it. */
function short(value: number): string {
  return Math.abs(value) < MOST_IN_WORDS ? compact.format(value) : value.toExponential(0);
}

/** How much was in circulation at the end of each day. */
export function CirculationChart({ asset }: { readonly asset: Asset }): JSX.Element | null {
  const path = `/assets/${encodeURIComponent(asset.slug)}/activity?days=${DAYS}`;
  const { data } = useLive<Page<DailyActivity>>(path, { sees: true, everyMs: EVERY_MS });
  if (data === null || data.data.length < 2) return null;
  return (
    <figure>
      <figcaption class="mb-2 text-sm text-muted">In circulation over the last {DAYS} days</figcaption>
      <Chart
        label={`${asset.name} in circulation over the last ${DAYS} days`}
        xs={data.data.map(({ date }) => Date.parse(`${date}T00:00:00Z`) / 1_000)}
        series={[
          {
            label: 'In circulation',
            values: data.data.map(({ circulation }) => approximately(circulation, asset.scale)),
          },
        ]}
        format={short}
        exact={(index) => formatAmount(data.data[index]?.circulation ?? '0', asset.scale)}
      />
    </figure>
  );
}
