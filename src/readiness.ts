/** Whether the service can do its work now, for GET /ready: what the database says, and what became of the last batch. */
import type { Pool } from 'pg';
import { writeFaultOf } from './db/failures.ts';
import { pendingMigrations } from './db/migrate.ts';
import { demoDataIsProjected } from './demo-data.ts';
import type { Readiness } from './http/deps.ts';

/** So long a batch that was not taken says that none would be; then it is for the next one to say. */
const FAULT_LASTS_MS = 2_000;

export type ReadinessCheck = {
  check(): Promise<Readiness>;
  awaitDemoData(awaited: boolean): void;
  /** Of a batch: it was committed, or the database would not take it and said why. */
  batchCommitted(): void;
  batchFailed(cause: unknown): void;
};

/** The pool is its own, of one connection: it must not wait behind queries, nor see an old session's settings. */
export function createReadiness(
  pool: Pool,
  ledgerId: number,
  now: () => number = () => performance.now(),
): ReadinessCheck {
  let demoDataAwaited = false;
  let writeFault: { readonly reason: string; readonly since: number } | null = null;
  let checking: Promise<Readiness> | null = null;

  async function look(): Promise<Readiness> {
    try {
      if (await isReadOnly(pool)) return notReady('the database is read-only');
      const pending = await pendingMigrations(pool);
      if (pending.length > 0) return notReady(`migrations are pending: ${pending.join(', ')}`);
      if (writeFault !== null && now() - writeFault.since < FAULT_LASTS_MS)
        return notReady(writeFault.reason);
      if (demoDataAwaited && !(await demoDataIsProjected(pool, ledgerId)))
        return notReady('the demo data is being written');
      return { ready: true, reason: null };
    } catch {
      return notReady('the database does not answer');
    }
  }

  return {
    check() {
      checking ??= look().finally(() => {
        checking = null;
      });
      return checking;
    },
    awaitDemoData(awaited) {
      demoDataAwaited = awaited;
    },
    batchCommitted() {
      writeFault = null;
    },
    batchFailed(cause) {
      const reason = writeFaultOf(cause);
      if (reason !== null) writeFault = { reason, since: now() };
    },
  };
}

function notReady(reason: string): Readiness {
  return { ready: false, reason };
}

/** A session that says so is not asked again: it may keep what was said to it at its beginning. */
async function isReadOnly(pool: Pool): Promise<boolean> {
  const client = await pool.connect();
  let discard = true;
  try {
    const { rows } = await client.query<{ read_only: boolean }>(
      `select current_setting('transaction_read_only')::boolean as read_only`,
    );
    discard = rows[0]?.read_only !== false;
    return discard;
  } finally {
    client.release(discard);
  }
}
