/**
 * Connections to PostgreSQL, each pool with its own purpose, bounds and type parsers. int8 and numeric become
 * bigint, timestamptz becomes RFC 3339 in UTC with milliseconds, json stays text until someone needs it.
 */
import pg from 'pg';
import { isBeyondUse } from './failures.ts';
import { sessionOf } from './session.ts';

export type PoolOptions = {
  readonly url: string;
  readonly name: string;
  readonly max: number;
  readonly connectTimeoutMs: number;
  readonly statementTimeoutMs: number;
  /** A server that has not answered by then is silent; 5 s after its own statement_timeout should have ended it. */
  readonly silenceTimeoutMs?: number;
  readonly lockTimeoutMs: number;
  readonly idleInTransactionTimeoutMs: number;
  /** Send statements without waiting for the answers to earlier ones. */
  readonly pipeline?: boolean;
  /** Further `-c name=value` settings of the session. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Told of errors on idle connections, which otherwise nobody awaits. */
  readonly onIdleError: (error: Error) => void;
};

const INT8 = 20;
const NUMERIC = 1700;
const TIMESTAMPTZ = 1184;
const JSON_TYPE = 114;

const parsers: ReadonlyMap<number, (text: string) => unknown> = new Map<number, (text: string) => unknown>([
  [INT8, BigInt],
  [NUMERIC, BigInt],
  [TIMESTAMPTZ, parseTimestamp],
  [JSON_TYPE, (text: string) => text],
]);

const types = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') => {
    const own = format === 'binary' ? undefined : parsers.get(oid);
    return own ?? (pg.types.getTypeParser as (oid: number, format?: string) => unknown)(oid, format);
  }) as typeof pg.types.getTypeParser,
};

/** Sessions run in UTC, so PostgreSQL writes `2026-01-01 00:00:00.123+00` with up to three decimals. */
export function parseTimestamp(text: string): string {
  if (!/^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}(\.\d{1,3})?\+00$/.test(text)) {
    throw new Error(`timestamp in an unexpected form: ${text}`);
  }
  const milliseconds = text.length > 22 ? text.slice(20, -3).padEnd(3, '0') : '000';
  return `${text.slice(0, 10)}T${text.slice(11, 19)}.${milliseconds}Z`;
}

export function createPool(options: PoolOptions): pg.Pool {
  const settings = {
    timezone: 'UTC',
    statement_timeout: options.statementTimeoutMs.toString(),
    lock_timeout: options.lockTimeoutMs.toString(),
    idle_in_transaction_session_timeout: options.idleInTransactionTimeoutMs.toString(),
    // A client that is gone must not keep its locks until its statement ends.
    client_connection_check_interval: '2000',
    tcp_user_timeout: '10000',
    // Every statement here is short: compiling one costs more than running it.
    jit: 'off',
    ...options.settings,
  };
  const pool = new pg.Pool({
    ...sessionOf(options.url, settings),
    application_name: `coffer ${options.name}`,
    max: options.max,
    connectionTimeoutMillis: options.connectTimeoutMs,
    query_timeout: options.silenceTimeoutMs ?? options.statementTimeoutMs + 5_000,
    keepAlive: true,
    types,
    ...(options.pipeline === true ? { pipeline: true } : {}),
  });
  pool.on('error', options.onIdleError);
  // A connection that breaks while it is in use fails its statements, and then says so once more, as an event
  // that would end the process if nobody listened.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/** Runs `work` in one READ COMMITTED transaction; its rejection rolls back and is passed on. COPY needs the client itself. */
export function inTransaction<Result>(
  pool: pg.Pool,
  work: (tx: pg.PoolClient) => Promise<Result>,
): Promise<Result> {
  return between(pool, 'begin', work);
}

/** Runs `work` on one snapshot: all its statements see the same state of everything. */
export function inSnapshot<Result>(
  pool: pg.Pool,
  work: (tx: pg.PoolClient) => Promise<Result>,
): Promise<Result> {
  return between(pool, 'begin isolation level repeatable read, read only', work);
}

async function between<Result>(
  pool: pg.Pool,
  begin: string,
  work: (tx: pg.PoolClient) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query(begin);
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    // A connection that cannot even roll back is not given back to the pool.
    await client.query('rollback').catch((rollbackError: Error) => {
      broken = rollbackError;
    });
    if (isBeyondUse(error)) broken ??= error as Error;
    throw error;
  } finally {
    client.release(broken);
  }
}
