/** coffer projections: what the read models are up to, and folding them again. */
import type { Pool } from 'pg';
import type { Config } from '../config.ts';
import { ledgerIdOf } from '../db/ledgers.ts';
import { createPool } from '../db/pool.ts';
import { ensureCheckpoints } from '../projections/catch-up.ts';
import { projectionNamed, projections } from '../projections/catalog.ts';
import { readProjectionStatus } from '../projections/queries/projection-status.ts';
import { rebuild } from '../projections/rebuild.ts';
import { openDatabase } from './database.ts';

export function listProjections(config: Config): Promise<number> {
  return withPool(config, async (pool) => {
    const statuses = await readProjectionStatus(pool, await ledgerIdOf(pool, 'main'));
    for (const { name, position, headPosition, lagEvents, state, error } of statuses) {
      const trouble = error === null ? '' : `  ${error}`;
      console.log(
        `${name.padEnd(16)} ${state.padEnd(11)} ${position}/${headPosition}  lag ${lagEvents}${trouble}`,
      );
    }
    return 0;
  });
}

export async function rebuildProjections(config: Config, names: readonly string[]): Promise<number> {
  const unknown = names.filter((name) => projectionNamed(name) === undefined);
  if (unknown.length > 0) {
    console.error(
      `unknown: ${unknown.join(', ')}. There are: ${projections.map(({ name }) => name).join(', ')}`,
    );
    return 1;
  }
  const wanted = names.length === 0 ? projections : projections.filter(({ name }) => names.includes(name));
  return withPool(config, async (pool) => {
    const ledgerId = await ledgerIdOf(pool, 'main');
    await ensureCheckpoints(pool, projections);
    for (const projection of wanted) {
      const startedAt = performance.now();
      const head = await rebuild(pool, ledgerId, projection, ({ position, head: to }) => {
        console.error(`${projection.name}: ${position} of ${to}`);
      });
      const seconds = (performance.now() - startedAt) / 1_000;
      console.log(`${projection.name}: rebuilt up to position ${head} in ${seconds.toFixed(1)} s`);
    }
    return 0;
  });
}

async function withPool(config: Config, work: (pool: Pool) => Promise<number>): Promise<number> {
  const never = new AbortController().signal;
  const database = await openDatabase(config, { mode: 'attach', log: console.error, signal: never });
  const pool = createPool({
    url: database.url,
    name: 'command line',
    max: 2,
    connectTimeoutMs: 5_000,
    // A rebuild of a long log is one transaction; each of its statements is bounded, it as a whole is not.
    statementTimeoutMs: 600_000,
    lockTimeoutMs: 30_000,
    idleInTransactionTimeoutMs: 60_000,
    onIdleError: (error) => console.error(error.message),
  });
  try {
    return await work(pool);
  } finally {
    await pool.end();
    await database.close();
  }
}
