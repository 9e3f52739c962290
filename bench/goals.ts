// What the project has promised, each measured within one run; ratios are medians over the rounds. "reached" needs a figure: a goal whose
// scenario did not run is neither reached nor missed.

import type { MemoryFigures } from './process-figures.ts';
import { MANY_A_REQUEST, ONE_A_REQUEST } from './scenarios/batch-endpoint.ts';
import type { Figures, ScenarioResult } from './scenarios/scenario.ts';
import { pairedRatio, type Ratio } from './statistics.ts';

export type Outcome = {
  goal: string;
  target: string;
  measured: string | null;
  reached: boolean | null;
  /** Set for later: shown, but --require-goals doesn't ask for it. */
  later: boolean;
};

export type Measured = {
  results: ReadonlyMap<string, ScenarioResult>;
  cofferMemory: MemoryFigures | undefined;
};

export function judge({ results, cofferMemory }: Measured): Outcome[] {
  const hot = { results, scenario: 'hot-account', of: 'coffer', pick: throughput };
  const hotAgainstBaseline = compare({ ...hot, against: 'baseline' });
  return [
    atLeast('hot account: throughput against the baseline', 9, 'x', hotAgainstBaseline),
    { ...atLeast('hot account: throughput against the baseline', 16, 'x', hotAgainstBaseline), later: true },
    atLeast(
      'hot account: throughput against pgbench at its best',
      1.5,
      'x',
      compare({ ...hot, against: 'pgbench' }),
    ),
    atMost(
      'one client alone: p50 against the baseline',
      1,
      'x',
      compare({ results, scenario: 'one-client', of: 'coffer', against: 'baseline', pick: p50 }),
    ),
    atLeast(
      'GET balance: throughput against the baseline',
      2,
      'x',
      compare({ results, scenario: 'balance-reads', of: 'coffer', against: 'baseline', pick: throughput }),
    ),
    atLeast(
      'batch endpoint: throughput against single commands',
      1.5,
      'x',
      compare({
        ...{ results, scenario: 'batch-endpoint', pick: throughput },
        ...{ of: MANY_A_REQUEST, against: ONE_A_REQUEST },
      }),
    ),
    judgeLag(results),
    atMost('memory of the process, its peak over the run', 250, ' MB', single(cofferMemory?.peakMB)),
    atMost(
      'start on a fresh data directory to first balance',
      8,
      ' s',
      single(factOf(results, 'start-up', 'fresh-balance')),
    ),
    atMost(
      'start on an existing data directory to first balance',
      3,
      ' s',
      single(factOf(results, 'start-up', 'existing-balance')),
    ),
    ...judgeLongLogs(results),
  ];
}

/** Of the longest log that was measured. */
function judgeLongLogs(results: Results): Outcome[] {
  const facts = results.get('long-logs')?.facts ?? [];
  const longest = Math.max(0, ...facts.map(({ name }) => Number(/-([0-9]+)$/.exec(name)?.[1])));
  if (longest === 0) return [];
  const of = (name: string) => single(factOf(results, 'long-logs', `${name}-${longest}`));
  return [
    atLeast('audit verify', 60_000, ' events/s', of('verify')),
    atMost('audit verify: peak memory', 500, ' MB', of('verify-memory')),
    atLeast('audit replay', 100_000, ' events/s', of('replay')),
    atMost('audit replay: peak memory', 500, ' MB', of('replay-memory')),
    atLeast('rebuild of all read models', 150_000, ' events/s', of('rebuild')),
    atLeast('rebuild of wallet_balances against the bare sum', 0.5, 'x', of('rebuild-ratio')),
  ];
}

type Results = Measured['results'];
type Pick = (figures: Figures) => number | null;
type Comparison = { results: Results; scenario: string; of: string; against: string; pick: Pick };

const throughput: Pick = (figures) => figures.throughput;
const p50: Pick = (figures) => figures.p50Ms;

function compare({ results, scenario, of, against, pick }: Comparison): Ratio | undefined {
  const rows = results.get(scenario)?.rows ?? [];
  // pgbench's name goes on with its number of clients.
  const figures = (system: string) =>
    (rows.find((row) => row.system.startsWith(system))?.rounds ?? []).map(
      (round) => pick(round) ?? Number.NaN,
    );
  return pairedRatio(figures(of), figures(against));
}

/** Less than all: the last commands are answered after the time in which commands were sent. */
const KEPT_UP_PERCENT = 97;

/** A server that doesn't keep up with the offered rate has no lag at that rate to speak of. */
function judgeLag(results: Results): Outcome {
  const judged = atMost(
    'projection lag p99 at 1,000 commands/s',
    150,
    ' ms',
    single(factOf(results, 'projection-lag', 'lag-p99')),
  );
  const delivered = factOf(results, 'projection-lag', 'delivered');
  if (delivered === undefined || delivered >= KEPT_UP_PERCENT) return judged;
  return { ...judged, measured: `kept up with ${delivered.toFixed(0)} % only`, reached: false };
}

function factOf(results: Results, scenario: string, name: string): number | undefined {
  return results.get(scenario)?.facts.find((fact) => fact.name === name)?.value;
}

function single(value: number | undefined): Ratio | undefined {
  return value === undefined ? undefined : { median: value, min: value, max: value };
}

function atLeast(goal: string, target: number, unit: string, value: Ratio | undefined): Outcome {
  return outcome(goal, `>= ${target}${unit}`, unit, value, (figure) => figure >= target);
}

function atMost(goal: string, target: number, unit: string, value: Ratio | undefined): Outcome {
  return outcome(goal, `<= ${target}${unit}`, unit, value, (figure) => figure <= target);
}

function outcome(
  goal: string,
  target: string,
  unit: string,
  value: Ratio | undefined,
  reached: (figure: number) => boolean,
): Outcome {
  if (value === undefined) return { goal, target, measured: null, reached: null, later: false };
  const range = value.min === value.max ? '' : ` (${value.min.toFixed(2)} to ${value.max.toFixed(2)})`;
  const measured = `${value.median.toFixed(2)}${unit}${range}`;
  return { goal, target, measured, reached: reached(value.median), later: false };
}
