import type pg from 'pg';
import { rangeSettings } from '../../db/key-probes.ts';
import { createPool } from '../../db/pool.ts';

/** Connections of an audit. It reads only, and says so to the database. */
export function createAuditPool(url: string, max: number): pg.Pool {
  return createPool({
    url,
    name: 'audit',
    max,
    connectTimeoutMs: 5_000,
    statementTimeoutMs: 120_000,
    lockTimeoutMs: 5_000,
    idleInTransactionTimeoutMs: 60_000,
    // An idle connection that breaks is replaced when it is needed; one in use fails what uses it.
    onIdleError: () => undefined,
    settings: { ...rangeSettings, default_transaction_read_only: 'on' },
  });
}
