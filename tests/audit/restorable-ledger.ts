/** A sealed ledger that can be put back to how it was, with what stands beside the key left as it is; and a witness of its checkpoints. */
import assert from 'node:assert/strict';
import { cp, rm } from 'node:fs/promises';
import { beginIncarnation, rotateKey, type Begun } from '../../src/audit/sealed/change-signer.ts';
import { readPublicKeys } from '../../src/audit/sealed/checkpoint-log.ts';
import { openCheckpoint, type Checkpoint } from '../../src/audit/sealed/checkpoint.ts';
import { lastSignedFile } from '../../src/audit/sealed/last-signed.ts';
import { copyRows } from '../../src/audit/rows/copy-rows.ts';
import { LEAF_COLUMNS } from '../../src/audit/tree/leaf.ts';
import { createCompactRange, leafHash } from '../../src/audit/tree/merkle.ts';
import { LEDGER_ID } from '../support/write-side.ts';
import { openSealedLedger, type SealedLedger } from './sealed-ledger.ts';

export const SEALED_TABLES = ['audit_incarnations', 'audit_keys', 'audit_checkpoints', 'audit_nodes'];
const TABLES = ['events', 'ledgers', ...SEALED_TABLES];

export type Latest = Checkpoint & { readonly note: string };

export type RestorableLedger = Omit<SealedLedger, 'write'> & {
  readonly url: string;
  /** Past the write side, whose tables are in no backup. No two events are the same. */
  write(events: number): Promise<void>;
  backUp(name: string): Promise<void>;
  restore(name: string, tables?: readonly string[]): Promise<void>;
  latest(): Promise<Latest>;
  /** Fails where what is sealed contradicts a checkpoint of the same name that was sealed before. */
  sealAndWitness(): Promise<Latest>;
  rotate(): Promise<string>;
  begin(old?: string | null): Promise<Begun>;
  resetKey(): Promise<void>;
  resetNote(): Promise<void>;
  /** As it was opened, key and all: its backup is called `base`. */
  reset(): Promise<void>;
};

/** With 300 events or more, sealed. */
export async function openRestorableLedger(): Promise<RestorableLedger> {
  const ledger = await openSealedLedger();
  const { superuser, keyFile, pool } = ledger;
  let witnessed: Checkpoint[] = [];
  await ledger.write(300);
  await ledger.seal();
  await cp(keyFile, `${keyFile}.base`);
  await cp(lastSignedFile(keyFile), `${keyFile}.base-note`);

  async function backUp(name: string): Promise<void> {
    await superuser.query(`create schema ${name}`);
    for (const table of TABLES)
      await superuser.query(`create table ${name}.${table} as select * from public.${table}`);
  }

  async function restore(name: string, tables: readonly string[] = TABLES): Promise<void> {
    for (const table of tables)
      await superuser.query(
        `delete from public.${table}; insert into public.${table} overriding system value select * from ${name}.${table}`,
      );
    if (name !== 'base') await superuser.query(`drop schema ${name} cascade`);
  }

  async function latest(): Promise<Latest> {
    const found = await ledger.audit.checkpoint();
    assert.ok(found);
    return { ...openCheckpoint(found.note, await readPublicKeys(pool, LEDGER_ID)), note: found.note };
  }

  async function rootOfEvents(size: bigint): Promise<Buffer> {
    const tree = createCompactRange();
    const client = await pool.connect();
    try {
      const query = `select ${LEAF_COLUMNS} from events e where ledger_id = ${LEDGER_ID} order by position limit ${size}`;
      await copyRows(client, query, (row) => tree.append({ level: 0, hash: leafHash(row) }));
    } finally {
      client.release();
    }
    return tree.root();
  }

  const resetKey = (): Promise<void> => cp(`${keyFile}.base`, keyFile);
  const resetNote = (): Promise<void> => cp(`${keyFile}.base-note`, lastSignedFile(keyFile));

  await backUp('base');
  return {
    ...ledger,
    url: ledger.database.url,
    async write(events) {
      await superuser.query(`
insert into events (ledger_id, position, id, type, version, actor, data, occurred_at, recorded_at)
select ${LEDGER_ID}, head_position + n, gen_random_uuid(), 'any', 1, 'test', '{}', now(), now()
  from ledgers cross join generate_series(1, ${events}) as n;
update ledgers set head_position = head_position + ${events}`);
    },
    ...{ backUp, restore, latest, resetKey, resetNote },
    async sealAndWitness() {
      assert.notEqual(await ledger.seal(), null);
      const sealed = await latest();
      witnessed.push(sealed);
      for (const kept of witnessed) {
        if (kept.origin !== sealed.origin) continue;
        assert.ok(kept.size <= sealed.size, `${kept.size} was signed before ${sealed.size}`);
        assert.deepEqual(await rootOfEvents(kept.size), kept.root, `the first ${kept.size} events`);
      }
      return sealed;
    },
    rotate: () => rotateKey(pool, LEDGER_ID, keyFile),
    begin: (old = null) => beginIncarnation(pool, LEDGER_ID, keyFile, old),
    async reset() {
      witnessed = [];
      await restore('base');
      await superuser.query('delete from audit_findings');
      await rm(lastSignedFile(keyFile), { recursive: true, force: true });
      await resetKey();
      await resetNote();
    },
  };
}
