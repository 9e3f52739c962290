/**
 * The keys as a process checks them: in memory, so that no request costs a statement. Whoever changes a key raises a
 * version and says so; a look at that version every while finds what was not heard. Who cannot look for long no longer
 * knows whether a key still counts, and says that instead.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Pool, PoolClient } from 'pg';
import type { Logger } from 'pino';
import { OperationalError } from '../errors.ts';
import { recordUse } from './keys.ts';
import type { Scope } from './scopes.ts';
import { hashOf, isSame, prefixOf } from './secret.ts';

/** A change is in force within this, heard or not, while the database answers. */
export const IN_FORCE_MS = 1_000;
/** Between two looks there is this pause, and at most one note of what was used, which waits for locks. */
export const LOOK_MS = 400;
/** Of the connection of a ring. One that answers late is given up for another. */
export const RING_LIMITS = {
  connectTimeoutMs: 2_000,
  statementTimeoutMs: 1_000,
  silenceTimeoutMs: 2_000,
  lockTimeoutMs: 500,
} as const;
/** So long a key that was read counts, while the database does not answer. */
const MAX_AGE_MS = 10_000;
const USE_NOTED_EVERY_MS = 60_000;

/** What a request may do, by the secret that came with it. */
export type Grant = {
  readonly keyId: string;
  readonly ledgerId: number;
  readonly scopes: readonly Scope[];
  /** Of the secret, which a rotation changes. */
  readonly prefix: string;
  readonly hash: Buffer;
  /** Milliseconds since the epoch. */
  readonly endsAtMs: number;
};

export type KeyRing = {
  /** Whether requests need a key: from the first one on that ever was, for ever. */
  isClosed(): boolean;
  /** Null: no key, or none that still counts. Throws OperationalError (database_unavailable) where that is not known. */
  find(text: string, nowMs: number): Grant | null;
  /** Whether what was found before still counts. */
  holds(grant: Grant, nowMs: number): boolean;
  /** Resolves once what is in the database now counts here, or after the time in which it has to. */
  caughtUp(): Promise<void>;
  /** Calls back after each look, which is when something may have ended. Returns how to stop that. */
  onLook(listener: () => void): () => void;
  close(): Promise<void>;
};

export type KeyRingDeps = {
  /** Of one connection, which listens. */
  readonly pool: Pool;
  /** Of the environment: it counts in this process, unless it was revoked. */
  readonly environmentKey: string | null;
  readonly log: Logger;
  /** By default by the clock. Resolves early when the signal is aborted. */
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>;
};

/** Rejects with the database's error where the keys cannot be read to begin with. */
export async function createKeyRing(deps: KeyRingDeps): Promise<KeyRing> {
  const { pool, log, pause = pauseByClock } = deps;
  const environmentHash = deps.environmentKey === null ? null : hashOf(deps.environmentKey);
  const closing = new AbortController();
  const listeners = new Set<() => void>();
  const used = createUses();
  let keys: Keys = { version: -1n, grants: new Map(), environment: null };
  let lookedAt = Number.NEGATIVE_INFINITY;
  let heard = Promise.withResolvers<void>();

  async function look(client: PoolClient): Promise<void> {
    const startedAt = performance.now();
    const version = await readVersion(client);
    if (version !== keys.version) keys = await readKeys(client, version, environmentHash);
    lookedAt = startedAt;
    for (const listener of listeners) listener();
  }

  async function stayConnected(client: PoolClient): Promise<void> {
    client.on('notification', () => heard.resolve());
    await client.query('listen coffer_access');
    while (!closing.signal.aborted) {
      heard = Promise.withResolvers();
      await look(client);
      const ids = used.take();
      if (ids.length > 0)
        await recordUse(client, ids).catch((error: unknown) =>
          log.warn({ err: error }, 'when keys were used last could not be noted'),
        );
      await Promise.race([heard.promise, pause(LOOK_MS, closing.signal)]);
    }
  }

  async function run(first: PoolClient): Promise<void> {
    let client: PoolClient | null = first;
    let failed = false;
    while (!closing.signal.aborted) {
      try {
        client ??= await pool.connect();
        failed = false;
        await stayConnected(client);
      } catch (error) {
        if (!failed && !closing.signal.aborted) log.warn({ err: error }, 'the keys could not be read');
        failed = true;
      } finally {
        // One that listens is of no use to anybody else.
        client?.release(true);
        client = null;
      }
      if (failed) await pause(LOOK_MS, closing.signal);
    }
  }

  const first = await pool.connect();
  await look(first).catch((error: unknown) => {
    first.release(true);
    throw error;
  });
  const running = run(first);

  function find(text: string, nowMs: number): Grant | null {
    if (performance.now() - lookedAt > MAX_AGE_MS) throw unknown();
    const grant = grantOf(keys, text);
    if (grant === null || grant.endsAtMs <= nowMs) return null;
    used.note(grant.keyId, nowMs);
    return grant;
  }

  function onLook(listener: () => void): () => void {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  return {
    isClosed: () => environmentHash !== null || keys.version > 0n,
    find,
    holds(grant, nowMs) {
      const kept = [keys.environment, keys.grants.get(grant.prefix)].find(
        (one) => one !== null && one !== undefined && isSame(one.hash, grant.hash),
      );
      return kept !== null && kept !== undefined && kept.endsAtMs > nowMs;
    },
    onLook,
    async caughtUp() {
      const asked = performance.now();
      const { promise, resolve } = Promise.withResolvers<void>();
      const stop = onLook(() => {
        if (lookedAt >= asked) resolve();
      });
      const late = setTimeout(resolve, IN_FORCE_MS);
      heard.resolve();
      await promise;
      clearTimeout(late);
      stop();
    },
    async close() {
      closing.abort();
      await running;
    },
  };
}

type Keys = {
  readonly version: bigint;
  /** By prefix. */
  readonly grants: ReadonlyMap<string, Grant>;
  readonly environment: Grant | null;
};

function grantOf(keys: Keys, text: string): Grant | null {
  const hash = hashOf(text);
  if (keys.environment !== null && isSame(hash, keys.environment.hash)) return keys.environment;
  const prefix = prefixOf(text);
  const grant = prefix === null ? undefined : keys.grants.get(prefix);
  return grant !== undefined && isSame(hash, grant.hash) ? grant : null;
}

function unknown(): OperationalError {
  const message = 'Whether the key still counts is not known: the database does not answer.';
  return new OperationalError('database_unavailable', message, { retryAfterSeconds: 1 });
}

async function readVersion(client: PoolClient): Promise<bigint> {
  const { rows } = await client.query<{ version: bigint }>({
    name: 'access-version',
    text: 'select version from access_version',
  });
  return rows[0]?.version ?? 0n;
}

type KeyRow = {
  id: string;
  ledger_id: number;
  scopes: Scope[];
  source: 'created' | 'environment';
  prefix: string;
  hash: Buffer;
  expires_at: string | null;
  previous_prefix: string | null;
  previous_hash: Buffer | null;
  previous_until: string | null;
};

/** Those that count. The version was read before: whatever is changed in between is read again at the next look. */
async function readKeys(client: PoolClient, version: bigint, environmentHash: Buffer | null): Promise<Keys> {
  const { rows } = await client.query<KeyRow>({
    name: 'access-keys',
    text: `
select id, ledger_id, scopes, source, prefix, hash, expires_at, previous_prefix, previous_hash, previous_until
  from api_keys
 where revoked_at is null
   and (expires_at is null or expires_at > clock_timestamp())
   and (source = 'created' or hash = $1::bytea)`,
    values: [environmentHash],
  });
  const grants = rows.flatMap((row) => (row.source === 'created' ? grantsOf(row) : []));
  const own = rows.find(({ source }) => source === 'environment');
  return {
    version,
    grants: new Map(grants.map((grant) => [grant.prefix, grant])),
    environment: own === undefined ? null : (grantsOf(own)[0] ?? null),
  };
}

function grantsOf(row: KeyRow): Grant[] {
  const { id: keyId, ledger_id: ledgerId, scopes, prefix, hash } = row;
  const endsAtMs = row.expires_at === null ? Number.POSITIVE_INFINITY : Date.parse(row.expires_at);
  const current = { keyId, ledgerId, scopes, prefix, hash, endsAtMs };
  if (row.previous_prefix === null || row.previous_hash === null || row.previous_until === null)
    return [current];
  const until = Math.min(endsAtMs, Date.parse(row.previous_until));
  return [current, { ...current, prefix: row.previous_prefix, hash: row.previous_hash, endsAtMs: until }];
}

/** Which keys were used since it was last asked; each once a minute at most. */
function createUses() {
  const notedAt = new Map<string, number>();
  let ids: string[] = [];
  return {
    note(keyId: string, nowMs: number): void {
      const last = notedAt.get(keyId);
      if (last !== undefined && nowMs - last < USE_NOTED_EVERY_MS && nowMs >= last) return;
      notedAt.set(keyId, nowMs);
      ids.push(keyId);
    },
    take(): string[] {
      const taken = ids;
      ids = [];
      return taken;
    },
  };
}

async function pauseByClock(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}
