// This checkout against another one, such as the commit before a change: what the change costs the hot account. Both stand on the
// same PostgreSQL, each in a database of its own, and take turns in short rounds. Who begins changes with each round.

import { topups } from '../load/plan.ts';
import { median, medianInterval } from '../statistics.ts';
import { systemContender, toRow } from './alternate.ts';
import type { Fact, Figures, Scenario } from './scenario.ts';

const CONNECTIONS = 256;
const RECEIVING_USERS = 1_000;
const CONFIDENCE = 0.95;

export const against: Scenario = {
  name: 'against',
  title: `this checkout against another: top-ups of one asset, ${CONNECTIONS} connections`,
  onRequest: true,
  async run(bench) {
    const [other, own] = (await bench.systems()).map((system) =>
      systemContender(bench, system, {
        plan: topups(system.users.slice(0, RECEIVING_USERS), system.assetSlug),
        connections: CONNECTIONS,
      }),
    );
    if (other === undefined || own === undefined) throw new Error('--against names the other checkout');
    const rounds = new Map<string, Figures[]>([other, own].map(({ name }) => [name, []]));
    for (let round = 1; round <= bench.options.rounds; round += 1) {
      for (const contender of round % 2 === 1 ? [other, own] : [own, other]) {
        const figures = await contender.measure(round);
        rounds.get(contender.name)?.push(figures);
        bench.log(`  round ${round} ${contender.name}: ${Math.round(figures.throughput)}/s`);
      }
    }
    const of = (name: string): Figures[] => rounds.get(name) ?? [];
    return {
      rows: [other, own].map(({ name }) => toRow(name, of(name))),
      facts: ratioFacts(of(own.name), of(other.name)),
    };
  },
};

/** Of each round this checkout's figures in percent of the other's: the median, and where it lies with 95 % confidence. */
export function ratioFacts(own: readonly Figures[], other: readonly Figures[]): Fact[] {
  return [
    ...compared('against', 'throughput', own, other, ({ throughput }) => throughput),
    // What a command costs, however fast the disk was meanwhile.
    ...compared('against-cpu', 'CPU time a command', own, other, ({ cpuMicros }) => cpuMicros),
  ];
}

function compared(
  name: string,
  what: string,
  own: readonly Figures[],
  other: readonly Figures[],
  pick: (figures: Figures) => number | null,
): Fact[] {
  const figure = (figures: Figures | undefined): number => (figures && pick(figures)) ?? NaN;
  // A round in which one of them answered nothing says nothing of either.
  const percents = own
    .map((figures, round) => (100 * figure(figures)) / figure(other[round]))
    .filter((percent) => Number.isFinite(percent));
  const interval = medianInterval(percents, CONFIDENCE);
  const fact = (end: string, label: string, value: number): Fact => {
    return { name: `${name}-${end}`, label, value, unit: '%' };
  };
  if (percents.length === 0) return [];
  return [
    fact('median', `${what} of this checkout, of the other: median of the rounds`, median(percents)),
    ...(interval === undefined
      ? []
      : [
          fact('low', 'the same with 95 % confidence, at least', interval.low),
          fact('high', 'the same with 95 % confidence, at most', interval.high),
        ]),
  ];
}
