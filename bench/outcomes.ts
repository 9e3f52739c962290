// How a figure is held against a goal. "reached" needs a figure: a goal whose scenario did not run is neither reached nor missed.

import type { Figures, ScenarioResult } from './scenarios/scenario.ts';
import { median, pairedRatio, type Ratio } from './statistics.ts';

export type Outcome = { goal: string; target: string; measured: string | null; reached: boolean | null };

export type Results = ReadonlyMap<string, ScenarioResult>;
export type Pick = (figures: Figures) => number | null;
export type Comparison = {
  results: Results;
  scenario: string;
  of: string;
  /** Of several the lowest figure of each round. */
  against: string | readonly string[];
  pick: Pick;
};

export const throughput: Pick = (figures) => figures.throughput;
export const p50: Pick = (figures) => figures.p50Ms;
export const p99: Pick = (figures) => figures.p99Ms;

/** The median ratio of the rounds, each figure against its neighbour of the same round. */
export function compare({ results, scenario, of, against, pick }: Comparison): Ratio | undefined {
  const rows = results.get(scenario)?.rows ?? [];
  // pgbench's name goes on with its number of clients.
  const figures = (system: string) =>
    (rows.find((row) => row.system.startsWith(system))?.rounds ?? []).map(
      (round) => pick(round) ?? Number.NaN,
    );
  const bounds = [against].flat().map(figures);
  const lowest = (bounds[0] ?? []).map((_, round) =>
    Math.min(...bounds.map((bound) => bound[round] ?? Number.NaN)),
  );
  return pairedRatio(figures(of), lowest);
}

export function factOf(results: Results, scenario: string, name: string): number | undefined {
  return results.get(scenario)?.facts.find((fact) => fact.name === name)?.value;
}

/** The median of the rounds, with the lowest and the highest. */
export function rowFigure(results: Results, scenario: string, row: string, pick: Pick): Ratio | undefined {
  const rounds = results.get(scenario)?.rows.find(({ system }) => system === row)?.rounds ?? [];
  const values = rounds.map(pick).filter((value) => value !== null);
  if (values.length === 0) return undefined;
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

export function single(value: number | undefined): Ratio | undefined {
  return value === undefined ? undefined : { median: value, min: value, max: value };
}

export function atLeast(goal: string, target: number, unit: string, value: Ratio | undefined): Outcome {
  return outcome(goal, `>= ${target}${unit}`, unit, value, (figure) => figure >= target);
}

export function atMost(goal: string, target: number, unit: string, value: Ratio | undefined): Outcome {
  return outcome(goal, `<= ${target}${unit}`, unit, value, (figure) => figure <= target);
}

/** Less than all: the last commands are answered after the time in which commands were sent. */
const KEPT_UP_PERCENT = 97;

/** A server that doesn't keep up with the offered rate has no latency at that rate to speak of. */
export function ifKeptUp(judged: Outcome, deliveredPercent: number | undefined): Outcome {
  if (deliveredPercent === undefined || deliveredPercent >= KEPT_UP_PERCENT) return judged;
  return { ...judged, measured: `kept up with ${deliveredPercent.toFixed(0)} % only`, reached: false };
}

function outcome(
  goal: string,
  target: string,
  unit: string,
  value: Ratio | undefined,
  reached: (figure: number) => boolean,
): Outcome {
  if (value === undefined) return { goal, target, measured: null, reached: null };
  const range = value.min === value.max ? '' : ` (${value.min.toFixed(2)} to ${value.max.toFixed(2)})`;
  const measured = `${value.median.toFixed(2)}${unit}${range}`;
  return { goal, target, measured, reached: reached(value.median) };
}
