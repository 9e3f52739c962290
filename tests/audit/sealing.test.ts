/** Events become a signed tree: the right one, once, wherever it is broken off, and never two of them. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { openCheckpoint } from '../../src/audit/sealed/checkpoint.ts';
import { LogContradictionError } from '../../src/audit/sealed/contradiction.ts';
import { copyRows } from '../../src/audit/rows/copy-rows.ts';
import { beginIncarnation, rotateKey } from '../../src/audit/sealed/change-signer.ts';
import { NotOurKeyError } from '../../src/audit/sealed/incarnations.ts';
import { LEAF_COLUMNS } from '../../src/audit/tree/leaf.ts';
import { createCompactRange, leafHash, type CompactRange } from '../../src/audit/tree/merkle.ts';
import { verifyConsistency, verifyInclusion } from '../../src/audit/tree/proofs.ts';
import { seal } from '../../src/audit/sealed/seal.ts';
import { LEDGER_ID } from '../support/write-side.ts';
import { until } from '../support/until.ts';
import { openSealedLedger, type SealedLedger } from './sealed-ledger.ts';

let ledger: SealedLedger;

before(async () => {
  ledger = await openSealedLedger();
});

after(() => ledger.close());

const bytes = (base64: string): Buffer => Buffer.from(base64, 'base64');

/** The tree of the first events, hashed from the table without anything that was stored of it. */
async function treeOf(size: bigint): Promise<CompactRange> {
  const tree = createCompactRange();
  const client = await ledger.pool.connect();
  try {
    await copyRows(
      client,
      `select ${LEAF_COLUMNS} from events e where ledger_id = ${LEDGER_ID} and position <= ${size} order by position`,
      (row) => tree.append({ level: 0, hash: leafHash(row) }),
    );
  } finally {
    client.release();
  }
  return tree;
}

async function checkpoint() {
  const latest = await ledger.audit.checkpoint();
  assert.ok(latest);
  return { ...latest, opened: openCheckpoint(latest.note, latest.publicKeys) };
}

test('before the first checkpoint there is none, and no proof', async () => {
  assert.equal(await ledger.audit.checkpoint(), null);
  await assert.rejects(ledger.audit.inclusion({ position: 1n, treeSize: undefined }), {
    code: 'not_sealed_yet',
  });
});

test('each checkpoint has the root of all events so far, whatever was sealed before', async () => {
  for (const events of [1, 3, 252, 1, 255, 256, 600]) {
    await ledger.write(events);
    const sealed = await ledger.seal();
    const { opened, unsealedEvents } = await checkpoint();
    assert.equal(opened.size, await ledger.head());
    assert.deepEqual(opened.root, (await treeOf(opened.size)).root());
    assert.equal(unsealedEvents, '0');
    assert.equal(sealed?.more, false);
  }
});

test('where nothing is new, nothing is signed', async () => {
  assert.equal(await ledger.seal(), null);
});

test('the stored nodes are the roots of the blocks of 256 events, one for each', async () => {
  const { rows } = await ledger.pool.query<{ index: bigint; hash: Buffer }>(
    'select index, hash from audit_nodes where level = 8 order by index',
  );
  assert.equal(BigInt(rows.length), (await ledger.head()) / 256n);
  assert.ok(rows.length >= 5);
  const tree = createCompactRange();
  for (const { hash } of rows) tree.append({ level: 8, hash });
  assert.deepEqual(tree.root(), (await treeOf(BigInt(rows.length) * 256n)).root());
});

test('every event is proven to be in every tree it is in', async () => {
  const head = await ledger.head();
  const sizes = [1n, 2n, 255n, 256n, 257n, 511n, 512n, 1_000n, 1_024n, head];
  for (const treeSize of sizes) {
    const { size, root } = { size: treeSize, root: (await treeOf(treeSize)).root() };
    for (const position of [1n, 2n, 200n, 256n, 257n, 512n, 513n, 1_023n, head]) {
      if (position > size) continue;
      const proof = await ledger.audit.inclusion({ position, treeSize });
      const found = {
        leafIndex: position - 1n,
        treeSize,
        leafHash: bytes(proof.leafHash),
        hashes: proof.hashes.map(bytes),
      };
      assert.ok(verifyInclusion(found, root), `${position} in ${treeSize}`);
    }
  }
});

test('every tree is proven to begin with every smaller one', async () => {
  const sizes = [1n, 2n, 255n, 256n, 257n, 511n, 512n, 1_000n, await ledger.head()];
  for (const from of sizes) {
    for (const to of sizes.filter((size) => size >= from)) {
      const { hashes, fromRootHash, toRootHash } = await ledger.audit.consistency({ from, to });
      const roots = { from: (await treeOf(from)).root(), to: (await treeOf(to)).root() };
      assert.deepEqual([bytes(fromRootHash), bytes(toRootHash)], [roots.from, roots.to]);
      assert.ok(verifyConsistency({ from, to, hashes: hashes.map(bytes) }, roots), `${from} in ${to}`);
    }
  }
});

test('of several that seal at once one does, and all goes on while events are written', async () => {
  let writing = true;
  const written = (async () => {
    for (let round = 0; round < 20; round += 1) await ledger.write(50);
    writing = false;
  })();
  const outcomes: unknown[] = [];
  while (writing) outcomes.push(...(await Promise.all([ledger.seal(), ledger.seal(), ledger.seal()])));
  await written;
  await ledger.seal();
  assert.ok(outcomes.includes(null));
  const { opened } = await checkpoint();
  assert.equal(opened.size, await ledger.head());
  assert.deepEqual(opened.root, (await treeOf(opened.size)).root());
  const { rows } = await ledger.pool.query<{ note: string; tree_size: bigint; root_hash: Buffer }>(
    'select note, tree_size, root_hash from audit_checkpoints order by tree_size',
  );
  assert.ok(rows.length > 8);
  for (const { tree_size: size, root_hash: root } of rows)
    assert.deepEqual(root, (await treeOf(size)).root());
});

test('a sealing whose connection breaks leaves nothing, and the next one does its work', async () => {
  await ledger.write(300);
  const { treeSize } = await checkpoint();
  // It waits for the table of checkpoints, with its nodes written.
  await ledger.superuser.query('begin; lock table audit_checkpoints in exclusive mode');
  const broken = assert.rejects(ledger.seal());
  await until('the sealing waits, and is killed', async () => {
    const { rowCount } = await ledger.superuser.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name = 'coffer seal' and wait_event_type = 'Lock'`,
    );
    return rowCount === 1;
  });
  await broken;
  await ledger.superuser.query('rollback');
  assert.equal((await checkpoint()).treeSize, treeSize);
  await ledger.seal();
  const { opened } = await checkpoint();
  assert.deepEqual(opened.root, (await treeOf(await ledger.head())).root());
});

test('what was sealed cannot be changed or deleted', async () => {
  const owner = await ledger.database.connect();
  try {
    for (const table of ['audit_checkpoints', 'audit_nodes', 'audit_keys', 'audit_incarnations']) {
      await assert.rejects(owner.query(`delete from ${table}`), /append-only/);
      await assert.rejects(owner.query(`update ${table} set ledger_id = 2`), /append-only/);
      await assert.rejects(owner.query(`truncate ${table}`), /append-only/);
    }
  } finally {
    await owner.end();
  }
});

describe('A process whose file does not have the key of the ledger', () => {
  test('seals nothing, and does not make a key', async () => {
    await ledger.write(1);
    const elsewhere = { ledgerId: LEDGER_ID, keyFile: `${ledger.directory}/other.pem` };
    await assert.rejects(seal(ledger.pool, elsewhere), NotOurKeyError);
    await assert.rejects(readFile(elsewhere.keyFile), { code: 'ENOENT' });
    await ledger.seal();
  });
});

describe('A rotated key', () => {
  test('signs from then on, while what the old one signed can still be checked', async () => {
    const old = await checkpoint();
    const before = await readFile(ledger.keyFile, 'utf8');
    const vkey = await rotateKey(ledger.pool, LEDGER_ID, ledger.keyFile);
    assert.notEqual(await readFile(ledger.keyFile, 'utf8'), before);
    await ledger.write(1);
    await ledger.seal();
    const { note, publicKeys, opened } = await checkpoint();
    assert.deepEqual(publicKeys, [...old.publicKeys, vkey]);
    assert.deepEqual(openCheckpoint(note, [vkey]), opened);
    assert.throws(() => openCheckpoint(note, old.publicKeys));
    assert.deepEqual(openCheckpoint(old.note, publicKeys), old.opened);
  });
});

describe('A ledger from an older backup', () => {
  test('is not sealed under its old name, but as an incarnation that names the last checkpoint', async () => {
    await ledger.write(10);
    await ledger.seal();
    const lost = await checkpoint();
    // What a restore leaves: the events and checkpoints up to some moment.
    const events = await ledger.superuser.query('select * from events order by position desc limit 5');
    const head = lost.opened.size - 5n;
    await ledger.superuser.query('delete from events where position > $1', [head]);
    await ledger.superuser.query('delete from ledger_entries where position > $1', [head]);
    await ledger.superuser.query('delete from audit_checkpoints where tree_size > $1', [head]);
    await ledger.superuser.query('update ledgers set head_position = $1', [head]);
    assert.equal(events.rowCount, 5);
    await assert.rejects(ledger.seal(), (error: Error) => {
      assert.ok(error instanceof LogContradictionError);
      assert.match(error.message, /older backup\. Run `coffer audit new-incarnation`/);
      return true;
    });

    const begun = await beginIncarnation(ledger.pool, LEDGER_ID, ledger.keyFile, null);
    assert.deepEqual(begun.succeeds, lost.opened);
    await ledger.seal();
    const { opened, note: signed } = await checkpoint();
    assert.match(opened.origin, /^coffer\/main\/2-[0-9a-f]{16}$/);
    assert.deepEqual(opened.extensions, [
      `succeeds ${lost.origin} ${lost.treeSize} ${lost.opened.root.toString('base64')}`,
    ]);
    assert.equal(opened.size, head);
    assert.deepEqual(opened.root, (await treeOf(head)).root());
    assert.deepEqual(openCheckpoint(signed, [begun.vkey]), opened);
  });

  test('of which a checkpoint was kept goes on from that one', async () => {
    const { note, opened } = await checkpoint();
    await assert.rejects(beginIncarnation(ledger.pool, LEDGER_ID, ledger.keyFile, 'no note'), /signed note/);
    const { succeeds } = await beginIncarnation(ledger.pool, LEDGER_ID, ledger.keyFile, note);
    assert.deepEqual(succeeds, opened);
    await ledger.write(1);
    await ledger.seal();
    assert.match((await checkpoint()).origin, /^coffer\/main\/3-/);
  });
});
