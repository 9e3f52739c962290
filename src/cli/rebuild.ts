/**
 * coffer projections rebuild, rollback and prune. The work is done in steps by whoever has a hand free: a worker that
 * runs, and this process as long as it waits. Without a worker it does all of it.
 *
 * Exit code 0: what was asked for is done. 1: a dry run has found differences. 2: it could not be done. A rebuild
 * that found differences and healed them by its swap has done what was asked for.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from 'pg';
import { secretsOf, type Config } from '../config.ts';
import { ledgerIdOf, MAIN_LEDGER } from '../db/ledgers.ts';
import { NotMigratedError, pendingMigrations } from '../db/migrate.ts';
import { createLogger } from '../logging.ts';
import { ensureCheckpoints } from '../projections/catch-up.ts';
import { projectionNamed, projections } from '../projections/catalog.ts';
import { startJobs } from '../projections/jobs.ts';
import type { Projection } from '../projections/projection.ts';
import { handsOfMachine, startHands } from '../projections/rebuild/hands.ts';
import { readProgress, type Progress } from '../projections/rebuild/progress.ts';
import { RebuildUnderWayError, requestRebuild } from '../projections/rebuild/request.ts';
import { NoRollbackError, prune, requestRollback } from '../projections/rebuild/rollback.ts';
import { redactor } from '../redacted.ts';
import { createProgressLine } from './progress-line.ts';
import { printOutcome, progressLine } from './rebuild-report.ts';
import { withCommandPool, type CommandDatabase } from './command-pool.ts';

const LOOK_MS = 200;
const CANNOT = 2;

export type RebuildOptions = { readonly dryRun: boolean };

export function rebuildProjections(
  config: Config,
  names: readonly string[],
  options: RebuildOptions,
): Promise<number> {
  return withWanted(config, names, async (database, wanted) => {
    const requested = await requestRebuild(database.pool, wanted, options);
    for (const { projection, generation, joined } of requested)
      if (joined) console.error(`${projection}: generation ${generation} is under way already, joining it`);
    return workAndWait(config, database, requested);
  });
}

export function rollbackProjections(config: Config, names: readonly string[]): Promise<number> {
  return withWanted(config, names, async (database, wanted) =>
    workAndWait(config, database, await requestRollback(database.pool, wanted)),
  );
}

export type PruneOptions = { readonly underWay: boolean };

export function pruneProjections(
  config: Config,
  names: readonly string[],
  options: PruneOptions,
): Promise<number> {
  return withWanted(config, names, async ({ pool }, wanted) => {
    const pruned = await prune(pool, wanted, options);
    for (const { projection, generation } of pruned)
      console.log(`${projection}: generation ${generation} is gone`);
    if (pruned.length === 0) console.log('there is nothing to prune');
    return 0;
  });
}

async function withWanted(
  config: Config,
  names: readonly string[],
  work: (database: CommandDatabase, wanted: readonly Projection[]) => Promise<number>,
): Promise<number> {
  const unknown = names.filter((name) => projectionNamed(name) === undefined);
  if (unknown.length > 0) {
    const all = projections.map(({ name }) => name).join(', ');
    console.error(`unknown: ${unknown.join(', ')}. There are: ${all}`);
    return CANNOT;
  }
  const wanted = names.length === 0 ? projections : projections.filter(({ name }) => names.includes(name));
  try {
    return await withCommandPool(config, async (database) => {
      const pending = await pendingMigrations(database.pool);
      if (pending.length > 0) throw new NotMigratedError(pending);
      await ensureCheckpoints(database.pool, projections);
      return work(database, wanted);
    });
  } catch (error) {
    console.error(redactor()(explain(error)));
    return CANNOT;
  }
}

function explain(error: unknown): string {
  const said =
    error instanceof RebuildUnderWayError ||
    error instanceof NoRollbackError ||
    error instanceof NotMigratedError;
  if (said) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

type Generation = { readonly projection: string; readonly generation: number };
type Generations = readonly Generation[];

function isOf(wanted: Generation, found: Progress): boolean {
  return wanted.projection === found.projection && wanted.generation === found.generation;
}

async function workAndWait(
  config: Config,
  { url, pool }: CommandDatabase,
  generations: Generations,
): Promise<number> {
  const log = createLogger({
    level: config.logLevel === 'info' ? 'warn' : config.logLevel,
    destination: process.stderr,
    secrets: secretsOf(config),
  });
  const jobs = await startJobs({ url, log, works: true });
  try {
    const hands = await startHands({ url, pool, jobs, projections, log, hands: handsOfMachine() });
    try {
      await hands.wake();
      const ended = await waitForAll(pool, generations);
      for (const each of ended) await printOutcome(pool, each);
      const gone = generations.filter((wanted) => !ended.some((each) => isOf(wanted, each)));
      for (const { projection, generation } of gone)
        console.log(`${projection}: generation ${generation} is gone: a prune has ended it`);
      return gone.length > 0 ? CANNOT : exitCode(ended);
    } finally {
      await hands.close();
    }
  } finally {
    await jobs.close();
  }
}

/** As long as it takes: the parts are bounded, the log is not. Without those that were pruned in the meantime. */
async function waitForAll(pool: Pool, generations: Generations): Promise<Progress[]> {
  const ledgerId = await ledgerIdOf(pool, MAIN_LEDGER);
  const line = createProgressLine(process.stderr);
  for (;;) {
    const found = await readProgress(pool, ledgerId, generations);
    const own = found.filter((each) => generations.some((wanted) => isOf(wanted, each)));
    if (own.every(({ state }) => hasEnded(state))) {
      line.end();
      return own;
    }
    line.show(progressLine(own));
    await delay(LOOK_MS);
  }
}

function hasEnded(state: Progress['state']): boolean {
  return !['building', 'catching_up', 'following'].includes(state);
}

function exitCode(ended: readonly Progress[]): number {
  if (ended.some(({ state }) => state === 'abandoned')) return CANNOT;
  return ended.some(({ dryRun, differences }) => dryRun && (differences ?? 0n) > 0n) ? 1 : 0;
}
