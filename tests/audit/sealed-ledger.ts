/** A ledger that is written to and sealed, without HTTP and without jobs. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { createAuditQueries, type AuditQueries } from '../../src/audit/sealed/prove.ts';
import { seal, type Sealed } from '../../src/audit/sealed/seal.ts';
import { rangeSettings } from '../../src/db/key-probes.ts';
import { createPool } from '../../src/db/pool.ts';
import { asRole } from '../../src/db/session.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { LEDGER_ID, newAsset, newUser, openWriteSide, type WriteSide } from '../support/write-side.ts';

export type SealedLedger = {
  readonly database: TestDatabase;
  readonly pool: pg.Pool;
  /** Past the service, with its guards switched off: what a superuser can do. */
  readonly superuser: pg.Client;
  readonly side: WriteSide;
  readonly directory: string;
  readonly keyFile: string;
  readonly audit: AuditQueries;
  /** Writes at least so many events. */
  write(events: number): Promise<void>;
  seal(): Promise<Sealed | null>;
  head(): Promise<bigint>;
  close(): Promise<void>;
};

export function openSealPool(url: string): pg.Pool {
  return createPool({
    url: asRole(url, 'coffer_service'),
    name: 'seal',
    max: 4,
    connectTimeoutMs: 3_000,
    statementTimeoutMs: 10_000,
    lockTimeoutMs: 5_000,
    idleInTransactionTimeoutMs: 10_000,
    settings: rangeSettings,
    onIdleError: () => undefined,
  });
}

export async function openSealedLedger(): Promise<SealedLedger> {
  const database = await createTestDatabase();
  const directory = await mkdtemp(join(tmpdir(), 'coffer-seal-'));
  const keyFile = join(directory, 'audit-key.pem');
  const pool = openSealPool(database.url);
  const superuser = await database.connect();
  await superuser.query("set session_replication_role = 'replica'");
  const side = openWriteSide(database.url);
  const assetSlug = await newAsset(side);
  const userId = await newUser(side, { assetSlug, amount: '1000000' });
  return {
    database,
    pool,
    superuser,
    side,
    directory,
    keyFile,
    audit: createAuditQueries(pool, LEDGER_ID),
    async write(events) {
      const command = { kind: 'topup', userId, assetSlug, amount: '1', reference: 'für 10 €' } as const;
      await Promise.all(Array.from({ length: events }, () => side.submit(command)));
    },
    seal: () => seal(pool, { ledgerId: LEDGER_ID, keyFile }),
    async head() {
      const { rows } = await pool.query<{ head: bigint }>('select head_position as head from ledgers');
      return rows[0]!.head;
    },
    async close() {
      await side.close();
      await superuser.end();
      await pool.end();
      await database.drop();
      await rm(directory, { recursive: true });
    },
  };
}
