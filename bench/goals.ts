// What the project has promised, each measured within one run; ratios are medians over the rounds.

import { BARE_WRITE } from './limits/bare-writer.ts';
import { NO_OP } from './limits/no-op-fastify.ts';
import {
  atLeast,
  atMost,
  compare,
  factOf,
  ifKeptUp,
  p50,
  p99,
  rowFigure,
  single,
  throughput,
  type Comparison,
  type Outcome,
  type Results,
} from './outcomes.ts';
import type { MemoryFigures } from './process-figures.ts';
import { rowName } from './scenarios/growth.ts';
import { MANY_A_REQUEST, ONE_A_REQUEST } from './scenarios/limits.ts';
import { LONG_READS } from './scenarios/long-reads.ts';
import { PROCESS_ROWS } from './scenarios/two-processes.ts';

export type Measured = { results: Results; cofferMemory: MemoryFigures | undefined };

/** What differs by less is the same. */
const SAME = 1.2;

export function judge({ results, cofferMemory }: Measured): Outcome[] {
  const fact = (scenario: string, name: string) => single(factOf(results, scenario, name));
  return [
    ...judgeCommands(results),
    ...judgeLatencies(results),
    ...judgeReads(results),
    ...judgeProcesses(results),
    atMost('memory of the process, its peak over the run', 200, ' MB', single(cofferMemory?.peakMB)),
    atMost('start on a fresh data directory to first balance', 8, ' s', fact('start-up', 'fresh-balance')),
    atMost(
      'start on an existing data directory to first balance',
      3,
      ' s',
      fact('start-up', 'existing-balance'),
    ),
    ...judgeGrowth(results),
    ...judgeLongLogs(results),
  ];
}

function judgeCommands(results: Results): Outcome[] {
  const ratio = (comparison: Omit<Comparison, 'results' | 'pick'>) =>
    compare({ results, pick: throughput, ...comparison });
  const limits = { scenario: 'limits', of: MANY_A_REQUEST };
  return [
    atLeast(
      'hot account: throughput against the baseline',
      16,
      'x',
      ratio({ scenario: 'hot-account', of: 'coffer', against: 'baseline' }),
    ),
    atLeast(
      'hot account: throughput against pgbench at its best',
      2.5,
      'x',
      ratio({ scenario: 'hot-account', of: 'coffer', against: 'pgbench' }),
    ),
    atLeast(
      'spread accounts: throughput against the baseline',
      3,
      'x',
      ratio({ scenario: 'transfers', of: 'coffer', against: 'baseline' }),
    ),
    atLeast(
      'batch endpoint: throughput against single commands',
      1.5,
      'x',
      ratio({ ...limits, against: ONE_A_REQUEST }),
    ),
    atLeast(
      'batch endpoint: throughput against a bare SQL batch write',
      0.6,
      'x',
      ratio({ ...limits, against: BARE_WRITE }),
    ),
    atLeast(
      'single commands against the lower of no-op POST and bare SQL batch write',
      0.5,
      'x',
      ratio({ ...limits, of: ONE_A_REQUEST, against: [NO_OP, BARE_WRITE] }),
    ),
  ];
}

function judgeLatencies(results: Results): Outcome[] {
  const fact = (scenario: string, name: string) => factOf(results, scenario, name);
  return [
    atMost(
      'one client alone: p50 against the baseline',
      0.7,
      'x',
      compare({ results, scenario: 'one-client', of: 'coffer', against: 'baseline', pick: p50 }),
    ),
    ifKeptUp(
      atMost('latency p99 at half of capacity', 25, ' ms', single(fact('half-load', 'p99'))),
      fact('half-load', 'delivered'),
    ),
    ifKeptUp(
      atMost('projection lag p99 at 2,000 commands/s', 100, ' ms', single(fact('projection-lag', 'lag-p99'))),
      fact('projection-lag', 'delivered'),
    ),
  ];
}

function judgeReads(results: Results): Outcome[] {
  const reads = { results, scenario: 'balance-reads', of: 'coffer', pick: throughput };
  return [
    atLeast(
      'GET balance: throughput against the baseline',
      2,
      'x',
      compare({ ...reads, against: 'baseline' }),
    ),
    atLeast('GET balance: throughput against a no-op GET', 0.6, 'x', compare({ ...reads, against: NO_OP })),
  ];
}

function judgeProcesses(results: Results): Outcome[] {
  const two = (work: keyof typeof PROCESS_ROWS) =>
    compare({
      ...{ results, scenario: 'two-processes', pick: throughput },
      ...{ of: PROCESS_ROWS[work].two, against: PROCESS_ROWS[work].one },
    });
  return [
    atLeast('two API processes, hot account: throughput against one', 0.8, 'x', two('hot')),
    atLeast('two API processes, spread accounts: throughput against one', 1, 'x', two('spread')),
  ];
}

/** On whatever log they were measured: the facts say how long it was. */
function judgeGrowth(results: Results): Outcome[] {
  if (!results.has('growth') && !results.has('long-reads')) return [];
  const figure = (row: string) => rowFigure(results, 'long-reads', row, p99);
  const against = (keys: 'timed' | 'random') =>
    compare({
      ...{ results, scenario: 'growth', pick: throughput },
      ...{ of: rowName('long', keys), against: rowName('empty', keys) },
    });
  const { first, deep, asOf, at } = LONG_READS;
  return [
    atMost('history page of 50: p99', 10, ' ms', figure(first)),
    atMost('history page of 50, page 10,000: p99', 10, ' ms', figure(deep)),
    atMost(
      'history page of 50, page 10,000: p50 against the first',
      SAME,
      'x',
      compare({ results, scenario: 'long-reads', of: deep, against: first, pick: p50 }),
    ),
    atMost('balance as of a position, of a long wallet: p99', 5, ' ms', figure(asOf)),
    atMost('balance at a time, of a long wallet: p99', 5, ' ms', figure(at)),
    atLeast('long log, time-ordered keys: throughput against an empty one', 0.85, 'x', against('timed')),
    atLeast('long log, random keys: throughput against an empty one', 0.7, 'x', against('random')),
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
