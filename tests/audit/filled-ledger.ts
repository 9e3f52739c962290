/** A long log of every kind of event, projected and sealed, in a database that can be copied as often as something is to be spoiled. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { fillLedger } from '../../bench/fill/fill-ledger.ts';
import type { Verdict } from '../../src/audit/fold/verdict.ts';
import { verify, type VerifyOptions } from '../../src/audit/verify/verify.ts';
import { seal } from '../../src/audit/sealed/seal.ts';
import { asRole } from '../../src/db/session.ts';
import { createTestDatabase, databaseUrl, dropDatabase } from '../support/database.ts';
import { LEDGER_ID } from '../support/write-side.ts';
import { openSealPool } from './sealed-ledger.ts';

export type Copy = {
  readonly url: string;
  /** Past the service, with its guards switched off: what a superuser can do. */
  readonly superuser: pg.Client;
  drop(): Promise<void>;
};

export type FilledLedger = {
  readonly url: string;
  readonly directory: string;
  readonly keyFile: string;
  /** One for each size that was sealed, in their order. */
  readonly notes: readonly string[];
  copy(): Promise<Copy>;
  close(): Promise<void>;
};

/** `sealedAt`: the sizes of its checkpoints; what comes after the last is unsealed. */
export async function openFilledLedger(of: {
  events: number;
  sealedAt: readonly number[];
}): Promise<FilledLedger> {
  const database = await createTestDatabase();
  const directory = await mkdtemp(join(tmpdir(), 'coffer-filled-'));
  const keyFile = join(directory, 'audit-key.pem');
  await fillLedger({ url: database.url, events: of.events, log: () => undefined });
  const notes: string[] = [];
  const pool = openSealPool(database.url);
  const head = async (position: number): Promise<void> =>
    void (await pool.query(`update ledgers set head_position = ${position}`));
  // As it would have been sealed while it grew.
  for (const size of of.sealedAt) {
    await head(size);
    const sealed = await seal(pool, { ledgerId: LEDGER_ID, keyFile });
    if (sealed === null) throw new Error('nothing was sealed');
    notes.push(sealed.note);
  }
  await head(of.events);
  await pool.end();
  const { url } = database;
  return {
    ...{ url, directory, keyFile, notes },
    copy: () => copyOf(url),
    async close() {
      await database.drop();
      await rm(directory, { recursive: true });
    },
  };
}

async function copyOf(original: string): Promise<Copy> {
  const server = process.env['COFFER_TEST_SERVER'] ?? '';
  const template = new URL(original).pathname.slice(1);
  const name = `coffer_test_${process.pid}_${randomBytes(4).toString('hex')}`;
  const admin = new pg.Client({ connectionString: server });
  await admin.connect();
  await admin.query(`create database ${name} template ${template}`);
  await admin.end();
  const url = databaseUrl(server, name);
  const superuser = new pg.Client({ connectionString: url });
  await superuser.connect();
  await superuser.query("set session_replication_role = 'replica'");
  return {
    ...{ url, superuser },
    async drop() {
      await superuser.end();
      await dropDatabase(server, name);
    },
  };
}

/** All of it, by one thread, with the keys that the database names, unless told otherwise. */
export function verifyAll(url: string, options: Partial<VerifyOptions> = {}): Promise<Verdict> {
  return verify({
    ...{
      url: asRole(url, 'coffer_auditor'),
      ledgerId: LEDGER_ID,
      threads: 1,
      kept: [],
      trusted: [],
      since: null,
    },
    onProgress: () => undefined,
    ...options,
  });
}
