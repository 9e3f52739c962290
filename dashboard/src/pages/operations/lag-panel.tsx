import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Projection } from '../../api/types.ts';
import { Chart } from '../../components/chart.tsx';
import { SelectField } from '../../components/field.tsx';
import { Panel } from '../../components/panel.tsx';
import { grouped } from '../../lib/amount.ts';
import { titleOf } from './words.ts';
import { beginningOf, useSamples } from './use-samples.ts';

const ALL = '';

/** How far the read models were behind the log, while somebody looked. */
export function LagPanel({ projections }: { readonly projections: readonly Projection[] }): JSX.Element {
  const [chosen, setChosen] = useState(ALL);
  const samples = useSamples('lag', projections);
  const lags = samples.map(({ value }) => lagOf(value, chosen));
  const now = lags.at(-1) ?? 0;
  const most = Math.max(0, ...lags);
  return (
    <Panel title="Lag over time">
      <div class="grid gap-3">
        <SelectField
          label="Read model"
          value={chosen}
          options={[
            [ALL, 'The one most behind'],
            ...projections.map(({ name }): [string, string] => [name, titleOf(name)]),
          ]}
          onChange={setChosen}
        />
        <Chart
          label={`Events behind the log over time: now ${now}, at most ${most}`}
          xs={[beginningOf(samples), ...samples.map(({ seconds }) => seconds)]}
          series={[{ label: 'Events behind', values: [null, ...lags] }]}
          format={(value) => grouped(value.toString())}
          isWhole
        />
        <p class="text-sm text-muted">
          {grouped(now.toString())} events behind now, {grouped(most.toString())} at most in the time shown.
        </p>
      </div>
    </Panel>
  );
}

function lagOf(projections: readonly Projection[], chosen: string): number {
  return Math.max(
    0,
    ...projections
      .filter(({ name }) => chosen === ALL || name === chosen)
      .map(({ lagEvents }) => Number(lagEvents)),
  );
}
