// Puts a run together: what the scenarios use, started when first asked for, and all of it taken down in
// reverse order at the end, however the run ends.

import { fillLedger } from './fill/fill-ledger.ts';
import { chooseGenerator } from './load/generator.ts';
import type { Options } from './options.ts';
import { createPgbench, findPgbench, type Pgbench, type PgbenchResult } from './postgres/pgbench.ts';
import { openPostgresServer, type PostgresServer } from './postgres/server.ts';
import type { Bench, BestPgbench } from './scenarios/scenario.ts';
import { startBaseline } from './systems/baseline.ts';
import { cofferExists, startCoffer } from './systems/coffer.ts';
import { startOnLongLog } from './systems/log-system.ts';
import type { System, SystemName } from './systems/system.ts';

/** Of the log's users so many are asked for. */
const RECEIVING_USERS = 1_000;

export type BenchDeps = {
  options: Options;
  log: (line: string) => void;
  cleanup: AsyncDisposableStack;
  failures: string[];
};

export async function createBench({ options, log, cleanup, failures }: BenchDeps): Promise<Bench> {
  const started: { server?: PostgresServer; systems: System[]; pgbench?: Pgbench } = { systems: [] };

  const server = once(async () => {
    refuseWhenEnded();
    const opening = openPostgresServer(log, options.logDir);
    // Deferred before it is open: the run may be ended meanwhile.
    cleanup.defer(async () => {
      const opened = await opening.catch(() => undefined);
      await opened?.close();
    });
    started.server = await opening;
    return started.server;
  });

  const defer = (end: () => Promise<void>) => cleanup.defer(end);

  /** An interrupted run goes on until its next step fails; it must not start what nobody would end. */
  function refuseWhenEnded(): void {
    if (cleanup.disposed) throw new Error('the run has ended');
  }

  async function startSystem(name: SystemName): Promise<System> {
    refuseWhenEnded();
    log(`starting ${name}`);
    const databaseUrl = await (await server()).createDatabase(name.replace(' ', '_'));
    const { userCount, baselinePoolSize: poolSize } = options;
    const start = { databaseUrl, userCount, defer };
    const system =
      name === 'baseline'
        ? await startBaseline({ ...start, poolSize })
        : await startCoffer(
            name === 'other' && options.against !== null
              ? { ...start, name, folder: options.against }
              : { ...start, name },
          );
    started.systems.push(system);
    return system;
  }

  const longLog = once(async () => {
    refuseWhenEnded();
    const databaseUrl = options.logDir === null ? await fillLog() : (await server()).mainDatabaseUrl();
    log('starting coffer on the long log');
    const found = await startOnLongLog({ databaseUrl, userCount: RECEIVING_USERS, defer });
    started.systems.push(found.system);
    return found;
  });

  async function fillLog(): Promise<string> {
    const events = Math.max(...options.logEvents);
    const url = await (await server()).createDatabase('long_log');
    // Random keys are everywhere in their index; those that start with the time find all of theirs in one place of it, as always.
    await fillLedger({ url, events, randomKeys: true, busyPercent: options.busyPercent, log });
    return url;
  }

  const systems = once(async () => {
    if (options.systems.includes('coffer') && !cofferExists()) {
      throw new Error('src/main.ts is missing; --systems baseline runs without it');
    }
    if (options.against !== null && !cofferExists(options.against))
      throw new Error(`there is no src/main.ts in ${options.against}`);
    for (const name of ['baseline', 'other', 'coffer'] as const) {
      if (options.systems.includes(name)) await startSystem(name);
    }
    return started.systems;
  });

  const pgbench = once(async (): Promise<BestPgbench | undefined> => {
    const version = await findPgbench();
    if (version === undefined) return undefined;
    log('pgbench: looking for its best number of clients');
    const created = await createPgbench(version, await (await server()).createDatabase('pgbench'));
    started.pgbench = created;
    const scan: PgbenchResult[] = [];
    for (const clients of options.pgbenchClients) {
      scan.push(await created.run(clients, options.pgbenchScanSeconds));
    }
    const best = scan.reduce((left, right) => (right.throughput > left.throughput ? right : left));
    return { pgbench: created, best, scan };
  });

  return {
    options,
    generator: await chooseGenerator(options.generator),
    log,
    defer,
    server,
    systems,
    pgbench,
    longLog,
    emptyLog: () => startSystem('empty log'),
    started: () => ({ server: started.server, systems: started.systems, pgbench: started.pgbench }),
    fail(message) {
      log(`FAILED: ${message}`);
      failures.push(message);
    },
  };
}

function once<Value>(make: () => Promise<Value>): () => Promise<Value> {
  let made: Promise<Value> | undefined;
  return () => (made ??= make());
}
