// Fills an empty ledger with a made-up log that looks as if the service had written it: for trying out what only shows
// on long logs. See README.md.

import { Client, type Pool } from 'pg';
import { rangeSettings } from '../../src/db/key-probes.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createPool } from '../../src/db/pool.ts';
import { ledgerIdOf } from '../../src/db/ledgers.ts';
import { catchUp, ensureCheckpoints } from '../../src/projections/catch-up.ts';
import { projections } from '../../src/projections/catalog.ts';
import { latestEnd } from './history.ts';
import { dropIndexes } from './log-indexes.ts';
import { copyLedger } from './ledger-copy.ts';

/** A fixed start, so that a seed stands for the same bytes on every day. */
const START_MS = Date.parse('2025-01-01T00:00:00.000Z');
export const DEFAULT_SEED = 1;

export type FillOptions = {
  /** A database of the ledger `main`, migrated or not, in which nothing has happened yet. */
  readonly url: string;
  readonly events: number;
  readonly seed?: number | undefined;
  readonly randomKeys?: boolean | undefined;
  /** Of 100 requests so many are of the first user's wallet in the asset most used. */
  readonly busyPercent?: number | undefined;
  /** Leave the read models at position 0. */
  readonly fillOnly?: boolean | undefined;
  readonly log: (line: string) => void;
};

export type Filled = { readonly fillSeconds: number; readonly catchUpSeconds: number | null };

/** The ledger is not one to be filled: nothing was changed in it. */
export class LedgerNotEmptyError extends Error {
  constructor(head: bigint) {
    super(`The ledger is not empty: it has ${head} events. Only a database without any can be filled.`);
    this.name = 'LedgerNotEmptyError';
  }
}

export async function fillLedger(options: FillOptions): Promise<Filled> {
  const { url, log } = options;
  await migrate(url, () => undefined);
  const fillSeconds = await timed(() => fill(options));
  log(rate('written', options.events, fillSeconds));
  const pool = openPool(url);
  try {
    // As autovacuum would have done by and by while the service wrote it.
    const vacuumSeconds = await timed(() => vacuum(pool));
    log(`vacuumed and analyzed in ${vacuumSeconds.toFixed(1)} s`);
    if (options.fillOnly === true) return { fillSeconds, catchUpSeconds: null };
    const catchUpSeconds = await timed(() => catchUpToHead(pool, options));
    log(rate('projected', options.events, catchUpSeconds));
    return { fillSeconds, catchUpSeconds };
  } finally {
    await pool.end();
  }
}

async function fill({
  url,
  events,
  seed = DEFAULT_SEED,
  randomKeys = false,
  busyPercent,
  log,
}: FillOptions): Promise<void> {
  const when = { startMs: START_MS, events };
  if (latestEnd(when) > Date.now()) throw new Error('this clock is too early for a log of that length');
  // However long it takes: the server's own limits are meant for the service.
  const unlimited = '-c statement_timeout=0 -c idle_in_transaction_session_timeout=0 -c timezone=UTC';
  const client = new Client({ connectionString: url, application_name: 'coffer fill', options: unlimited });
  await client.connect();
  try {
    await client.query('begin');
    const ledgerId = await lockEmptyLedger(client);
    const history = { ...when, seed, randomKeys, busyPercent };
    const indexes = await dropIndexes(client);
    await copyLedger({ client, ledgerId, history, onProgress: progress(events, log) });
    await indexes.restore();
    await client.query('commit');
  } finally {
    // Before COMMIT this rolls everything back.
    await client.end();
  }
}

async function lockEmptyLedger(client: Client): Promise<number> {
  const ledgerId = await ledgerIdOf(client, 'main');
  const { rows } = await client.query<{ head_position: string }>({
    text: `
select head_position
  from ledgers
 where id = $1::integer
   for update`,
    values: [ledgerId],
  });
  const head = BigInt(rows[0]?.head_position ?? 0);
  if (head > 0n) throw new LedgerNotEmptyError(head);
  return ledgerId;
}

async function vacuum(pool: Pool): Promise<void> {
  const tables = 'events, ledger_entries, idempotency_keys, wallets, holds, users, assets, personal, ledgers';
  await pool.query(`vacuum (analyze) ${tables}`);
}

async function catchUpToHead(pool: Pool, { events, log }: FillOptions): Promise<void> {
  const ledgerId = await ledgerIdOf(pool, 'main');
  await ensureCheckpoints(pool, projections);
  const report = progress(events, log);
  let reached = 0;
  for (let more = true; more;) {
    const pass = await catchUp(pool, ledgerId, projections);
    ({ more } = pass);
    reached += Number(pass.applied[0]?.events ?? 0n);
    report(reached);
  }
}

function openPool(url: string): Pool {
  return createPool({
    url,
    name: 'fill',
    max: 1,
    connectTimeoutMs: 5_000,
    // For the vacuum of a long log.
    statementTimeoutMs: 3_600_000,
    lockTimeoutMs: 30_000,
    idleInTransactionTimeoutMs: 60_000,
    pipeline: true,
    settings: { ...rangeSettings, synchronous_commit: 'off' },
    onIdleError: () => undefined,
  });
}

async function timed(work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return (performance.now() - startedAt) / 1_000;
}

function rate(done: string, events: number, seconds: number): string {
  return `${events} events ${done} in ${seconds.toFixed(1)} s: ${Math.round(events / seconds)}/s`;
}

/** Says now and then how far it is: at every tenth. */
function progress(events: number, log: (line: string) => void): (reached: number) => void {
  let tenths = 0;
  return (reached) => {
    const now = Math.floor((10 * reached) / events);
    if (now > tenths && now < 10) log(`${reached} of ${events} events`);
    tenths = now;
  };
}
