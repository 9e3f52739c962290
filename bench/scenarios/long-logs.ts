// What auditors and rebuilds cost on long logs: each log is made by bench/fill, sealed, and then worked on by the command line, in
// processes of their own, as an auditor would. Only on request (--only long-logs): making the logs takes minutes.

import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { prepareSealing, seal } from '../../src/audit/sealed/seal.ts';
import { rangeSettings } from '../../src/db/key-probes.ts';
import { createPool } from '../../src/db/pool.ts';
import { createLogger } from '../../src/logging.ts';
import { fillLedger } from '../fill/fill-ledger.ts';
import { diskDirectory } from '../postgres/server.ts';
import { median } from '../statistics.ts';
import { runCommand, type CommandRun } from '../systems/command.ts';
import type { Bench, Fact, Scenario } from './scenario.ts';

const LEDGER_ID = 1;
const BARE_RUNS = 3;

export const longLogs: Scenario = {
  name: 'long-logs',
  title: 'auditing and rebuilding long logs',
  onRequest: true,
  async run(bench) {
    const facts: Fact[] = [];
    for (const events of bench.options.logEvents) facts.push(...(await measureLog(bench, events)));
    return { rows: [], facts };
  },
};

async function measureLog(bench: Bench, events: number): Promise<Fact[]> {
  const directory = await mkdtemp(join(await diskDirectory(), 'coffer-bench-log-'));
  bench.defer(() => rm(directory, { recursive: true, force: true }));
  const url = await (await bench.server()).createDatabase(`coffer_log_${events}`);
  const { fillSeconds } = await fillLedger({ url, events, log: bench.log });
  const keyFile = join(directory, 'audit-key.pem');
  const sealSeconds = await timed(() => sealAll(url, keyFile));
  const bareSeconds = await bareSum(url, BARE_SUM);
  const countedSeconds = await bareSum(url, `select count(*) from (${BARE_SUM}) s`);
  const environment = { DATABASE_URL: url, COFFER_AUDIT_KEY_FILE: keyFile };
  const run = async (...args: string[]): Promise<CommandRun> => {
    bench.log(`${events} events: ${args.join(' ')}`);
    const done = await runCommand(args, environment);
    if (done.code !== 0)
      bench.fail(`coffer ${args.join(' ')} exited with ${done.code}: ${done.output.slice(-2_000)}`);
    return done;
  };
  const exported = join(directory, 'export');
  await run('migrate');
  const verified = await run('audit', 'verify', '--json');
  const exporting = await run('audit', 'export', exported);
  const replayed = await run('audit', 'replay', exported, '--json', '--out', join(directory, 'balances.csv'));
  const balances = await run('projections', 'rebuild', 'wallet_balances');
  const all = await run('projections', 'rebuild');

  const fact = (name: string, label: string, value: number, unit: string): Fact => ({
    ...{ name: `${name}-${events}`, label: `${label}, ${events.toLocaleString('en')} events`, value, unit },
  });
  const speed = (name: string, label: string, seconds: number): Fact =>
    fact(name, label, events / seconds, 'events/s');
  return [
    speed('fill', 'making the log', fillSeconds),
    speed('seal', 'sealing it at once', sealSeconds),
    speed('verify', 'audit verify', secondsOf(verified)),
    fact('verify-memory', 'audit verify: peak memory', verified.peakMB, 'MB'),
    speed('export', 'audit export', exporting.seconds),
    speed('replay', 'audit replay', secondsOf(replayed)),
    fact('replay-memory', 'audit replay: peak memory', replayed.peakMB, 'MB'),
    speed('rebuild', 'rebuild of all read models', rebuildSeconds(all)),
    speed('rebuild-balances', 'rebuild of wallet_balances', rebuildSeconds(balances)),
    fact(
      'rebuild-ratio',
      'rebuild of wallet_balances against the bare sum',
      bareSeconds / rebuildSeconds(balances),
      'x',
    ),
    fact(
      'rebuild-counted-ratio',
      'the same, with the rows of the sum only counted',
      countedSeconds / rebuildSeconds(balances),
      'x',
    ),
  ];
}

/** As the program measured itself: without the start of Node. */
function secondsOf({ output }: CommandRun): number {
  return Number(/"seconds": ([0-9.]+)/.exec(output)?.[1] ?? Number.NaN);
}

/** Until the last read model was live: without the start of Node and of the queue. */
function rebuildSeconds({ output }: CommandRun): number {
  return Math.max(
    ...[...output.matchAll(/is live after ([0-9.]+) s/g)].map(([, seconds]) => Number(seconds)),
  );
}

async function timed(work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return (performance.now() - startedAt) / 1_000;
}

async function sealAll(url: string, keyFile: string): Promise<void> {
  const pool = createPool({
    ...{ url, name: 'bench', max: 1, connectTimeoutMs: 5_000, statementTimeoutMs: 60_000 },
    ...{ lockTimeoutMs: 5_000, idleInTransactionTimeoutMs: 60_000, onIdleError: () => undefined },
    settings: rangeSettings,
  });
  const sealing = { ledgerId: LEDGER_ID, keyFile };
  try {
    await prepareSealing(pool, sealing, createLogger({ level: 'warn', destination: process.stderr }));
    while ((await seal(pool, sealing))?.more === true);
  } finally {
    await pool.end();
  }
}

const BARE_SUM = 'select wallet_id, sum(amount) from ledger_entries where ledger_id = 1 group by wallet_id';

/**
 * What a rebuild of wallet_balances has to be measured against, as seconds of a client: the statement with its rows handed over, and with
 * its rows only counted, which PostgreSQL plans in another way. Each is the median of some runs.
 */
async function bareSum(url: string, text: string): Promise<number> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const seconds: number[] = [];
    for (let run = 0; run < BARE_RUNS; run += 1) {
      seconds.push(
        await timed(async () => {
          await client.query({ text, rowMode: 'array' });
        }),
      );
    }
    return median(seconds);
  } finally {
    await client.end();
  }
}
