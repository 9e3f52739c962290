/** For the tests of a file: a database of their own, and a pool of one connection that only reads it. */
import { after, before } from 'node:test';
import type pg from 'pg';
import { createAuditPool } from '../../src/audit/rows/audit-pool.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';

/** To be called once, at the top of the file; the pool is there when its tests run. */
export function useAuditPool(): { readonly pool: () => pg.Pool } {
  let opened: { readonly database: TestDatabase; readonly pool: pg.Pool } | null = null;
  before(async () => {
    const database = await createTestDatabase();
    opened = { database, pool: createAuditPool(database.url, 1) };
  });
  after(async () => {
    await opened?.pool.end();
    await opened?.database.drop();
  });
  return {
    pool() {
      if (opened === null) throw new Error('asked for before the tests began');
      return opened.pool;
    },
  };
}
