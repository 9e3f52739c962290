/** What a database error means for the work in hand. See https://www.postgresql.org/docs/current/errcodes-appendix.html */

export type Failure =
  /** Another process won a race for a unique value: the whole batch runs again. */
  | 'conflict'
  /** Deadlock, serialization failure or a connection lost before COMMIT was sent: runs again, unchanged. */
  | 'transient'
  /** The data of a command is at fault: only that command fails. */
  | 'command'
  /** The database is away, full, read-only, out of connections or not answering in time: concerns everyone. */
  | 'unavailable'
  /** None of these: a bug. */
  | 'bug';

const RACES = new Set([
  'idempotency_keys_pkey',
  'wallets_owner_asset',
  'wallets_pkey',
  'users_pkey',
  'personal_email',
  'personal_pkey',
  'assets_pkey',
  'assets_ledger_id_slug_key',
]);

const CONNECTION_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'EAI_AGAIN',
]);

export function sqlState(error: unknown): string | null {
  const code = fieldOf(error, 'code');
  return code !== null && /^[0-9A-Z]{5}$/.test(code) && !CONNECTION_CODES.has(code) ? code : null;
}

function fieldOf(error: unknown, name: 'code' | 'constraint'): string | null {
  if (typeof error !== 'object' || error === null || !(name in error)) return null;
  const value = (error as Record<string, unknown>)[name];
  return typeof value === 'string' ? value : null;
}

export function classifyFailure(error: unknown): Failure {
  const state = sqlState(error);
  if (state === null) return isConnectionError(error) ? 'unavailable' : 'bug';
  if (state === '23505') return RACES.has(fieldOf(error, 'constraint') ?? '') ? 'conflict' : 'command';
  if (state === '40P01' || state === '40001') return 'transient';
  if (/^(22|23|P0)/.test(state)) return 'command';
  // 25006 read-only, 25P03 idle in transaction: the session is of no use any more, which concerns all.
  // 28 and 3D: the server is there but not for us, as during a fail-over or a change of passwords.
  if (/^(08|28|3D|53|57|58|55P03|25006|25P03|XX)/.test(state)) return 'unavailable';
  return 'bug';
}

/** True when the connection itself is gone, by whichever of the driver's ways of saying so. */
export function isConnectionError(error: unknown): boolean {
  const state = sqlState(error);
  if (state !== null) return /^(08|57P0[123]|25P03)/.test(state);
  const code = fieldOf(error, 'code');
  if (code !== null && CONNECTION_CODES.has(code)) return true;
  if (!(error instanceof Error)) return false;
  return /Connection terminated|connection timeout|timeout expired|Query read timeout|timeout exceeded when trying to connect|not queryable|Client has encountered a connection error|Cannot use a pool after/i.test(
    error.message,
  );
}

/** True when the session is of no use for writes any more: its connection is gone, or it began while all was read-only. */
export function isBeyondUse(error: unknown): boolean {
  return isConnectionError(error) || sqlState(error) === '25006';
}

/** Why the database takes no writes, in words for whoever asks, where it says so itself. */
export function writeFaultOf(error: unknown): string | null {
  switch (sqlState(error)) {
    case '25006':
      return 'the database is read-only';
    case '53100':
      return 'the disk of the database is full';
    case '53200':
      return 'the database is out of memory';
    case '53300':
      return 'the database takes no more connections';
    case null:
    default:
      return null;
  }
}
