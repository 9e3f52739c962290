import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { MAX_EVENTS, readFillOrder, type FillOrder } from './fill/fill-order.ts';
import type { GeneratorChoice } from './load/generator.ts';
import type { SystemName } from './systems/system.ts';

export type Options = {
  quick: boolean;
  /** Length of one measurement of a closed loop. */
  seconds: number;
  /** How often each system is measured, in turns. */
  rounds: number;
  warmUpSeconds: number;
  userCount: number;
  /** Users of the scenarios in which very many take part, and how many pairs of them transfer. */
  crowd: number;
  pairs: number;
  lagSeconds: number;
  /** Lengths of the logs that are audited and rebuilt; the longest is read and grown. */
  logEvents: readonly number[];
  /** Where --fill --keep has made the log that is read and grown; null: it is made by the run. */
  logDir: string | null;
  /** Of the log that is made: of 100 requests so many are of one user's wallet. */
  busyPercent: number;
  startUps: number;
  pgbenchClients: readonly number[];
  pgbenchScanSeconds: number;
  baselinePoolSize: number;
  generator: GeneratorChoice;
  systems: readonly SystemName[];
  /** The folder of another checkout to compare with; null: none. */
  against: string | null;
  /** Names of scenarios; empty: all. */
  only: readonly string[];
  jsonPath: string;
  requireGoals: boolean;
  /** Make a long log instead of measuring. */
  fill: FillOrder | null;
  /** Minutes of a steady load, and an overload after it, instead of measuring. */
  soak: number | null;
};

const FULL = {
  seconds: 5,
  rounds: 5,
  warmUpSeconds: 1,
  userCount: 2_000,
  crowd: 100_000,
  pairs: 50_000,
  lagSeconds: 20,
  logEvents: [500_000, 1_000_000, 2_000_000],
  busyPercent: 60,
  startUps: 3,
  pgbenchClients: [4, 8, 16, 32],
  pgbenchScanSeconds: 4,
};

const QUICK = {
  seconds: 2,
  rounds: 1,
  warmUpSeconds: 1,
  userCount: 200,
  crowd: 2_000,
  pairs: 2_000,
  lagSeconds: 4,
  logEvents: [20_000],
  busyPercent: 60,
  startUps: 1,
  pgbenchClients: [8],
  pgbenchScanSeconds: 2,
};

/** Many short rounds: what is looked for is small. */
const AGAINST = { seconds: 3, rounds: 12 };

/** The best on two cores, see README.md; another machine may want another: --baseline-pool. */
const BASELINE_POOL_SIZE = 12;

export const HELP = `Usage: npm run bench -- [options]

Compares, in one run and on one PostgreSQL, a textbook wallet (bench/baseline), pgbench's TPC-B-like
transaction, and Coffer with its worker running. Prints a table and the goals, and writes both as JSON.

  --quick               one short round of everything, to see that it works; its figures prove nothing
  --seconds N           length of one measurement (${FULL.seconds})
  --rounds N            measurements of each system, in turns; medians are reported (${FULL.rounds})
  --only NAME,NAME      only these scenarios; long-logs, which takes some twenty minutes, runs only when named here
  --log-events N,N      lengths of the logs of long-logs (${FULL.logEvents.join(',')}); growth and long-reads, which run only
                        when named here too, take the longest
  --log DIR             growth and long-reads on the log that --fill N --keep DIR has made; growth adds to it
  --systems NAME,NAME   only these of baseline, coffer
  --generator NAME      wrk, autocannon, or auto: wrk where it is on PATH (auto)
  --baseline-pool N     connections in the baseline's pool (${BASELINE_POOL_SIZE})
  --json FILE           where the JSON goes (bench/results/latest.json)
  --require-goals       exit 1 when a goal is not reached
  --help                this text

Another checkout, instead of the other systems:
  --against DIR         this checkout's hot account against that of the one in DIR (npm ci there first), both on the
                        same PostgreSQL, in ${AGAINST.rounds} rounds of ${AGAINST.seconds} s in turns: the median ratio and its 95 % interval

A long load, instead of measuring:
  --soak MINUTES        mixed commands at a fixed rate for so long, then without the worker, then ten times as many
                        for a minute, then the first rate again; exit 1 where an answer was not expected, refusals
                        or what came after were slow, or memory grew

A long log, instead of measuring:
  --fill N              write a made-up log of N events (at most 10,000,000), as the service would have, into
                        the database BENCH_DATABASE_URL names, in which nothing may have happened yet; else
                        into an embedded server that is thrown away after its figures
  --keep DIR            into an embedded server in DIR: COFFER_DATA_DIR=DIR npm start serves it
  --seed N              another log; the same seed gives the same log (1)
  --random-keys         idempotency keys that land anywhere in the index, instead of such that start with the time
  --fill-only           leave the read models at position 0
  --busy PERCENT        so many of 100 requests are of one user's wallet, which gets as long a history (0)

Environment:
  BENCH_DATABASE_URL    a PostgreSQL on which databases may be created; without it an embedded one is
                        started in a temporary directory, with default settings

Exit code: 1 when any answer was not a 2xx, or the databases don't hold what was acknowledged; 2 on a wrong
option, and where a ledger to be filled is not empty.
`;

/** Undefined when only the help was asked for. Throws on what it can't understand. */
export function readOptions(args: string[]): Options | undefined {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: 'boolean', default: false },
      seconds: { type: 'string' },
      rounds: { type: 'string' },
      only: { type: 'string' },
      systems: { type: 'string' },
      generator: { type: 'string', default: 'auto' },
      'baseline-pool': { type: 'string' },
      json: { type: 'string' },
      'require-goals': { type: 'boolean', default: false },
      fill: { type: 'string' },
      keep: { type: 'string' },
      seed: { type: 'string' },
      'random-keys': { type: 'boolean' },
      'fill-only': { type: 'boolean' },
      busy: { type: 'string' },
      'log-events': { type: 'string' },
      log: { type: 'string' },
      against: { type: 'string' },
      soak: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const usual = values.quick ? QUICK : FULL;
  const defaults = values.against === undefined ? usual : { ...usual, ...AGAINST };
  return {
    ...defaults,
    quick: values.quick,
    seconds: wholeNumber('--seconds', values.seconds) ?? defaults.seconds,
    rounds: wholeNumber('--rounds', values.rounds) ?? defaults.rounds,
    baselinePoolSize: wholeNumber('--baseline-pool', values['baseline-pool']) ?? BASELINE_POOL_SIZE,
    generator: oneOf('--generator', ['auto', 'wrk', 'autocannon'], values.generator),
    systems:
      values.against === undefined
        ? names(values.systems ?? 'baseline,coffer').map((name) =>
            oneOf('--systems', ['baseline', 'coffer'], name),
          )
        : ['other', 'coffer'],
    only: values.against === undefined ? names(values.only ?? '') : ['against'],
    against: values.against === undefined ? null : resolve(values.against),
    logEvents: values['log-events'] === undefined ? defaults.logEvents : logLengths(values['log-events']),
    logDir: logDirectory(values.log),
    jsonPath: values.json ?? 'bench/results/latest.json',
    requireGoals: values['require-goals'],
    fill: readFillOrder(values),
    soak: wholeNumber('--soak', values.soak) ?? null,
  };
}

function wholeNumber(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9][0-9]{0,4}$/.test(text))
    throw new Error(`${option} takes a whole number from 1, not "${text}"`);
  return Number(text);
}

function logLengths(text: string): number[] {
  const lengths = names(text);
  for (const length of lengths) {
    if (!/^[1-9][0-9]{3,7}$/.test(length) || Number(length) > MAX_EVENTS)
      throw new Error(`--log-events takes lengths from 1000 to ${MAX_EVENTS}, not "${length}"`);
  }
  return lengths.map(Number);
}

function logDirectory(directory: string | undefined): string | null {
  if (directory === undefined) return null;
  if (directory === '') throw new Error('--log takes a directory');
  if (process.env['BENCH_DATABASE_URL']) throw new Error('--log and BENCH_DATABASE_URL name two servers');
  return resolve(directory);
}

function names(text: string): string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

function oneOf<Name extends string>(option: string, allowed: readonly Name[], text: string): Name {
  const found = allowed.find((name) => name === text);
  if (found === undefined) throw new Error(`${option} takes ${allowed.join(', ')}, not "${text}"`);
  return found;
}
