/** A ledger in which somebody was erased: what was signed before still holds, and whatever does not fit the erasure is found. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Finding } from '../../src/audit/fold/finding.ts';
import { exportLog } from '../../src/audit/export/export.ts';
import { replay } from '../../src/audit/export/replay.ts';
import { openCheckpoint } from '../../src/audit/sealed/checkpoint.ts';
import { checkProof, type InclusionDocument } from '../../src/audit/sealed/proof-document.ts';
import { verifyConsistency } from '../../src/audit/tree/proofs.ts';
import type { Command } from '../../src/commands/schemas.ts';
import { bodyOf, LEDGER_ID, newAsset, newUser, openWriteSide } from '../support/write-side.ts';
import { verifyAll } from './filled-ledger.ts';
import { openSealedLedger, type SealedLedger } from './sealed-ledger.ts';

let ledger: SealedLedger;
let assetSlug: string;
let gone: string;
let goneWallet: string;
let alice: string;
let erasedAt: bigint;
/** Signed and handed out before the erasure. */
let early: { readonly note: string; readonly proof: InclusionDocument; readonly size: bigint };

const recipient = { metadata: { recipient: 'Zoë Example' }, personalMetadata: ['recipient'] };

before(async () => {
  ledger = await openSealedLedger();
  const { side } = ledger;
  assetSlug = await newAsset(side);
  alice = await newUser(side, { assetSlug, amount: '10' });
  gone = await newUser(side);
  const money = { userId: gone, assetSlug, amount: '5', ...recipient };
  const topUp = bodyOf(await side.submit({ kind: 'topup', ...money }));
  goneWallet = String(topUp.entries[1].walletId);
  bodyOf(await side.submit({ kind: 'spend', ...money }));
  const { note } = (await ledger.seal())!;
  const size = await ledger.head();
  const proof = await ledger.audit.inclusion({ position: BigInt(topUp.position), treeSize: size });
  early = { note, size, proof: JSON.parse(JSON.stringify(proof)) as InclusionDocument };
  erasedAt = BigInt(bodyOf(await side.submit({ kind: 'user.erase', userId: gone })).position);
  await ledger.seal();
});

after(() => ledger.close());

async function findings(options: Parameters<typeof verifyAll>[1] = {}): Promise<readonly Finding[]> {
  return (await verifyAll(ledger.database.url, options)).findings;
}

/** What is found while it is so; afterwards nothing is. */
async function foundWhile(spoil: string, mend: string): Promise<readonly Finding[]> {
  await ledger.superuser.query(spoil);
  const found = await findings();
  await ledger.superuser.query(mend);
  assert.deepEqual(await findings(), []);
  return found;
}

/** `table personal_kept` has the rows that the condition chose. */
function withoutRows(where: string): [spoil: string, mend: string] {
  return [
    `create table personal_kept as select * from personal where ${where}; delete from personal where ${where}`,
    'insert into personal select * from personal_kept; drop table personal_kept',
  ];
}

function withStatus(userId: string, status: string, before: string): [spoil: string, mend: string] {
  const set = (to: string) => `update users set status = '${to}' where id = '${userId}'`;
  return [set(status), set(before)];
}

describe('After an erasure', () => {
  test('the ledger verifies, as a whole and since the checkpoint before', async () => {
    const { rows } = await ledger.pool.query('select from personal where subject_id = $1', [gone]);
    assert.equal(rows.length, 0);
    assert.deepEqual(await findings({ kept: [early.note] }), []);
    assert.deepEqual(await findings({ since: { note: early.note } }), []);
    assert.deepEqual(await findings({ since: 'latest' }), []);
  });

  test('a proof made before it still holds, and is the one that is made now', async () => {
    const { publicKeys, ...proof } = early.proof;
    const proven = checkProof({ ...proof, publicKeys }, publicKeys.join('\n'));
    assert.equal(proven.event.type, 'transaction.posted');
    const position = BigInt(proof.position);
    const now = await ledger.audit.inclusion({ position, treeSize: early.size });
    assert.deepEqual(JSON.parse(JSON.stringify(now)), early.proof);
  });

  test('the log of then is the beginning of the log of now', async () => {
    const { publicKeys } = (await ledger.audit.checkpoint())!;
    const old = openCheckpoint(early.note, publicKeys);
    const grown = await ledger.audit.consistency({ from: early.size, to: undefined });
    assert.equal(grown.fromRootHash, old.root.toString('base64'));
    const hashes = grown.hashes.map((hash) => Buffer.from(hash, 'base64'));
    const roots = { from: old.root, to: Buffer.from(grown.toRootHash, 'base64') };
    assert.ok(BigInt(grown.to) >= erasedAt);
    assert.ok(verifyConsistency({ from: early.size, to: BigInt(grown.to), hashes }, roots));
  });
});

describe('Found is', () => {
  test('a value that is missing without an erasure, where the log has its digest', async () => {
    const found = await foundWhile(...withoutRows(`subject_id = '${alice}'`));
    assert.deepEqual(
      found.map(({ check, found: what }) => [check, what]),
      [['personal', 'no value']],
    );
    assert.ok(found[0]!.expected.startsWith(`email of ${alice} with the digest `));
  });

  test('one that is missing, of a user whom only the table calls erased', async () => {
    const [removed, restored] = withoutRows(`subject_id = '${alice}'`);
    const [forged, mended] = withStatus(alice, 'ERASED', 'ACTIVE');
    const found = await foundWhile(`${removed}; ${forged}`, `${restored}; ${mended}`);
    assert.deepEqual(
      found.map(({ check }) => check),
      ['wallets'],
    );
    assert.match(found[0]!.expected, new RegExp(`^users ${alice}: status ACTIVE`));
    assert.match(found[0]!.found, /^status ERASED/);
  });

  for (const field of ['email', 'something else'])
    test(`a value that is there again after the erasure, as ${field}`, async () => {
      const found = await foundWhile(
        `insert into personal values (${LEDGER_ID}, '${gone}', '${field}', 'back@example.com', '\\x${'00'.repeat(16)}')`,
        `delete from personal where subject_id = '${gone}'`,
      );
      const again = found.filter(({ found: what }) => what === field);
      assert.deepEqual(
        again.map(({ check, position }) => [check, position]),
        [['personal', erasedAt.toString()]],
      );
      assert.equal(again[0]!.expected, `nothing personal of ${gone}, who was erased`);
      // In the place of the old e-mail it is, besides, not the one that was registered.
      assert.equal(found.length, field === 'email' ? 2 : 1);
    });

  test('a table that calls an erased user active', async () => {
    const found = await foundWhile(...withStatus(gone, 'ACTIVE', 'ERASED'));
    assert.match(found.find(({ check }) => check === 'wallets')!.expected, /status ERASED/);
    // And then, of course, the values are missing.
    assert.deepEqual(new Set(found.map(({ check }) => check)), new Set(['wallets', 'personal']));
  });
});

/** What only a service that was deceived writes; the log cannot be mended, so these come last. */
describe('Found in the log is', () => {
  /** Written by a process that believes what the tables say for a moment. */
  async function deceived(lie: string, command: Command, truth: string): Promise<string> {
    await ledger.superuser.query(lie);
    const side = openWriteSide(ledger.database.url);
    try {
      return String((await side.submit(command)).position);
    } finally {
      await side.close();
      await ledger.superuser.query(truth);
    }
  }
  const of = (found: readonly Finding[], walletId: string | null) =>
    found.filter((finding) => finding.check === 'erased' && finding.walletId === walletId);

  test('a user who was erased with money left', async () => {
    const rich = await newUser(ledger.side, { assetSlug, amount: '4' });
    const wallet = `where owner = '${rich}'`;
    const position = await deceived(
      `update wallets set balance = 0 ${wallet}`,
      { kind: 'user.erase', userId: rich },
      `update wallets set balance = 4 ${wallet}`,
    );
    const { rows } = await ledger.superuser.query<{ id: string }>(`select id from wallets ${wallet}`);
    const found = await findings();
    assert.deepEqual(
      of(found, rows[0]!.id).map(({ expected, found: what }) => [expected, what]),
      [[`an empty wallet when its owner was erased at position ${position}`, 'balance 4, held 0']],
    );
  });

  test('money that came to an erased user, and went again', async () => {
    const [lie, truth] = withStatus(gone, 'ACTIVE', 'ERASED');
    const money = { userId: gone, assetSlug, amount: '3' };
    await deceived(lie, { kind: 'topup', ...money }, truth);
    const position = await deceived(lie, { kind: 'spend', ...money }, truth);
    const expected = `a wallet at rest since its owner was erased at position ${erasedAt}`;
    assert.deepEqual(of(await findings(), goneWallet), [
      { check: 'erased', position, walletId: goneWallet, expected, found: 'balance 0, held 0' },
    ]);
  });

  test('whatever else is said of an erased user', async () => {
    const [lie, truth] = withStatus(gone, 'ACTIVE', 'ERASED');
    const position = await deceived(lie, { kind: 'user.status', userId: gone, status: 'BANNED' }, truth);
    const [found] = of(await findings(), null);
    assert.equal(found?.position, position);
    assert.equal(found?.expected, `nothing of a user who was erased at position ${erasedAt}`);
    assert.equal(found?.found, 'user.status_changed');
  });

  test('the same without the database, in an export', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'coffer-erased-'));
    const of = { url: ledger.database.url, ledger: { id: LEDGER_ID, slug: 'main' }, directory };
    await exportLog({ ...of, from: null, to: null, onProgress: () => undefined });
    const { verdict } = await replay({
      ...{ directory, asOf: { position: null, time: null }, trusted: [], kept: [], threads: 1 },
      onProgress: () => undefined,
    });
    await rm(directory, { recursive: true });
    const inDatabase = (await findings()).filter(({ check }) => check === 'erased');
    assert.equal(inDatabase.length, 3);
    assert.deepEqual(
      verdict.findings.filter(({ check }) => check === 'erased'),
      inDatabase,
    );
  });
});
