/** Ledgers and keys as the command line makes them, past the service. */
import { randomUUID } from 'node:crypto';
import { createKey, type StoredKey } from '../../src/access/keys.ts';
import type { Scope } from '../../src/access/scopes.ts';
import { insertLedger, ledgerIdOf, MAIN_LEDGER } from '../../src/db/ledgers.ts';
import { createPool, inTransaction } from '../../src/db/pool.ts';
import { projections } from '../../src/projections/catalog.ts';
import { openCheckpoints } from '../../src/projections/new-ledger.ts';
import type { TestDatabase } from './database.ts';
import type { Reply, Service } from './service.ts';

export type IssuedKey = {
  readonly key: StoredKey;
  readonly text: string;
  readonly headers: { readonly authorization: string };
};

/** For what is done past the service. The caller ends it. */
export function openPool({ url }: TestDatabase) {
  return createPool({
    ...{ url, name: 'test', max: 2, connectTimeoutMs: 3_000, statementTimeoutMs: 10_000 },
    ...{ lockTimeoutMs: 10_000, idleInTransactionTimeoutMs: 10_000, onIdleError: () => undefined },
  });
}

async function withPool<Result>(
  database: TestDatabase,
  work: (pool: ReturnType<typeof openPool>) => Promise<Result>,
): Promise<Result> {
  const pool = openPool(database);
  try {
    return await work(pool);
  } finally {
    await pool.end();
  }
}

export function issueKey(
  database: TestDatabase,
  scopes: readonly Scope[],
  { ledger = MAIN_LEDGER, expiresAt = null }: { ledger?: string; expiresAt?: string | null } = {},
): Promise<IssuedKey> {
  return withPool(database, async (pool) => {
    const wanted = { name: 'a test', scopes, expiresAt };
    const { key, text } = await createKey(pool, await ledgerIdOf(pool, ledger), wanted);
    return { key, text, headers: { authorization: `Bearer ${text}` } };
  });
}

/** Resolves to its id. */
export function makeLedger(database: TestDatabase, slug: string): Promise<number> {
  return withPool(database, (pool) =>
    inTransaction(pool, async (tx) => {
      const { id } = await insertLedger(tx, slug);
      await openCheckpoints(tx, id, projections);
      return id;
    }),
  );
}

/** The same service, asked with a key. */
export function askedWith(service: Service, { headers }: Pick<IssuedKey, 'headers'>): Service {
  return {
    ...service,
    get: (path, more = {}): Promise<Reply> => service.get(path, { ...headers, ...more }),
    post: (path, body, key = randomUUID(), more = {}): Promise<Reply> =>
      service.post(path, body, key, { ...headers, ...more }),
  };
}
