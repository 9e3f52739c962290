/** A write side whose connections to its database can be broken, and somebody who looks at the database past it. */
import type pg from 'pg';
import { createTestDatabase, type TestDatabase } from './database.ts';
import { openDatabaseProxy, type DatabaseProxy } from './database-proxy.ts';
import { newAsset, openWriteSide, type WriteSide } from './write-side.ts';

export type ProxiedSide = {
  readonly database: TestDatabase;
  readonly observer: pg.Client;
  readonly proxy: DatabaseProxy;
  readonly side: WriteSide;
  readonly assetSlug: string;
  close(): Promise<void>;
};

export async function openProxiedSide(): Promise<ProxiedSide> {
  const database = await createTestDatabase();
  const observer = await database.connect();
  const proxy = await openDatabaseProxy(database.url);
  const side = openWriteSide(proxy.url);
  return {
    ...{ database, observer, proxy, side },
    assetSlug: await newAsset(side),
    async close() {
      await side.close();
      await proxy.close();
      await observer.end();
      await database.drop();
    },
  };
}
