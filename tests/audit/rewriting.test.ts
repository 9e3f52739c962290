/**
 * History that is rewritten by a superuser, guards switched off, is found by anyone who kept a checkpoint from before: from the
 * events, from the proofs of the service, and also where all that was sealed is forged anew with the stolen key.
 */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { after, afterEach, before, describe, test } from 'node:test';
import { openCheckpoint, type Checkpoint } from '../../src/audit/sealed/checkpoint.ts';
import { LogContradictionError } from '../../src/audit/sealed/contradiction.ts';
import { copyRows } from '../../src/audit/rows/copy-rows.ts';
import { lastSignedFile } from '../../src/audit/sealed/last-signed.ts';
import { LEAF_COLUMNS } from '../../src/audit/tree/leaf.ts';
import { createCompactRange, leafHash } from '../../src/audit/tree/merkle.ts';
import { verifyConsistency } from '../../src/audit/tree/proofs.ts';
import { LEDGER_ID } from '../support/write-side.ts';
import { openSealedLedger, type SealedLedger } from './sealed-ledger.ts';

const TABLES = ['events', 'audit_nodes', 'audit_checkpoints', 'ledgers'];

/** Of an event in a whole block of the tree, and of one in the block that is not full yet. */
const PLACES = [
  { place: 'long ago', position: 100n },
  { place: 'not long ago', position: 600n },
];

const REWRITES: readonly { readonly what: string; readonly sql: (position: bigint) => string }[] = [
  {
    what: 'an amount was changed',
    sql: (position) => `
update events set data = replace(data::text, '"amount":"1"', '"amount":"9"')::json
 where position = ${position} and data::text like '%"amount":"1"%'`,
  },
  {
    what: 'an event was deleted and the later ones moved up',
    sql: (position) => `
delete from events where position = ${position};
update events set position = -position where position > ${position};
update events set position = -position - 1 where position < 0;
update ledgers set head_position = head_position - 1`,
  },
  {
    what: 'a forged event was put in',
    sql: (position) => `
update events set position = -position where position > ${position};
update events set position = -position + 1 where position < 0;
insert into events
select ledger_id, ${position} + 1, gen_random_uuid(), type, version, null, null, actor, null, null, data, occurred_at,
       recorded_at, null
  from events where position = ${position};
update ledgers set head_position = head_position + 1`,
  },
  {
    what: 'two events were swapped',
    sql: (position) => `
update events set position = -position where position in (${position}, ${position} + 1);
update events set position = case -position when ${position} then ${position} + 1 else ${position} end
 where position < 0`,
  },
];

let ledger: SealedLedger;
let kept: Checkpoint;

before(async () => {
  ledger = await openSealedLedger();
  await ledger.superuser.query('alter table events drop constraint events_position_check');
  await ledger.write(640);
  await ledger.seal();
  const latest = await ledger.audit.checkpoint();
  assert.ok(latest);
  kept = openCheckpoint(latest.note, latest.publicKeys);
  assert.ok(kept.size > 601n && kept.size < 768n);
  await ledger.write(10);
  for (const table of TABLES)
    await ledger.superuser.query(`create table kept_${table} as select * from ${table}`);
});

afterEach(async () => {
  await rm(lastSignedFile(ledger.keyFile), { force: true });
  for (const table of TABLES) {
    await ledger.superuser.query(
      `delete from ${table}; insert into ${table} overriding system value select * from kept_${table}`,
    );
  }
});

after(() => ledger.close());

async function rewrite(sql: string): Promise<void> {
  const before = await rootOfEvents(kept.size);
  assert.deepEqual(before, kept.root);
  await ledger.superuser.query(sql);
}

/** What a holder of the events makes of them. */
async function rootOfEvents(size: bigint): Promise<Buffer> {
  const tree = createCompactRange();
  const client = await ledger.pool.connect();
  try {
    const query = `select ${LEAF_COLUMNS} from events e where ledger_id = ${LEDGER_ID} order by position limit ${size}`;
    await copyRows(client, query, (row) => tree.append({ level: 0, hash: leafHash(row) }));
  } finally {
    client.release();
  }
  return tree.root();
}

for (const { what, sql } of REWRITES) {
  for (const { place, position } of PLACES) {
    describe(`Where ${what} ${place}`, () => {
      test('the events do not have the root that was kept', async () => {
        await rewrite(sql(position));
        assert.notDeepEqual(await rootOfEvents(kept.size), kept.root);
      });

      test('there is no proof of what stands there now', async () => {
        await rewrite(sql(position));
        const wanted = { position: position + (what.includes('forged') ? 1n : 0n), treeSize: undefined };
        await assert.rejects(ledger.audit.inclusion(wanted), { name: 'RefusedError' });
      });

      test('and all was sealed anew with the key, the old checkpoint is not its beginning', async () => {
        await rewrite(sql(position));
        await ledger.superuser.query('delete from audit_nodes; delete from audit_checkpoints');
        await rm(lastSignedFile(ledger.keyFile), { force: true });
        await ledger.seal();
        const latest = await ledger.audit.checkpoint();
        assert.ok(latest);
        const forged = openCheckpoint(latest.note, latest.publicKeys);
        assert.ok(forged.size > kept.size);
        assert.equal(forged.origin, kept.origin);
        const { hashes } = await ledger.audit.consistency({ from: kept.size, to: forged.size });
        const proof = {
          from: kept.size,
          to: forged.size,
          hashes: hashes.map((hash) => Buffer.from(hash, 'base64')),
        };
        assert.equal(verifyConsistency(proof, { from: kept.root, to: forged.root }), false);
      });
    });
  }

  test(`Where ${what} in the block that is not full yet, nothing more is sealed`, async () => {
    await rewrite(sql(600n));
    await assert.rejects(ledger.seal(), LogContradictionError);
  });
}

describe('Nothing more is sealed either', () => {
  const cases = {
    'where a node of the tree was changed': "update audit_nodes set hash = sha256('x') where index = 1",
    'where a node of the tree is gone': 'delete from audit_nodes where index = 1',
    'where the last checkpoint was changed': "update audit_checkpoints set root_hash = sha256('x')",
    'where events at the end are gone': `
delete from events where position > 500; update ledgers set head_position = 500`,
    'where an event that is new is missing already': `
delete from events where position = (select head_position from ledgers)`,
  };
  for (const [name, sql] of Object.entries(cases)) {
    test(name, async () => {
      await rewrite(sql);
      await assert.rejects(ledger.seal(), LogContradictionError);
    });
  }
});

test('What was not rewritten is sealed on', async () => {
  assert.notEqual(await ledger.seal(), null);
});
