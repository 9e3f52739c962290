/** Old checkpoints are let go by rule, nobody lets go of more, and what is missing against the rule is missed. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { createThinning } from '../../src/audit/sealed/thin-checkpoints.ts';
import { LEDGER_ID } from '../support/write-side.ts';
import { openFilledLedger, verifyAll, type Copy, type FilledLedger } from './filled-ledger.ts';
import { openRestorableLedger, type RestorableLedger } from './restorable-ledger.ts';

describe('Of the checkpoints of days ago', () => {
  let ledger: RestorableLedger;

  before(async () => {
    ledger = await openRestorableLedger();
  });

  after(() => ledger.close());

  async function sizesLeft(): Promise<bigint[]> {
    const { rows } = await ledger.superuser.query<{ size: string }>(
      'select tree_size::text as size from audit_checkpoints order by incarnation, tree_size',
    );
    return rows.map(({ size }) => BigInt(size));
  }

  async function sealMore(): Promise<bigint> {
    await ledger.write(1);
    return (await ledger.sealAndWitness()).size;
  }

  /** More pages than there can be, of which the last ones find it resting or begin where it ended. */
  async function thinAll(page: number): Promise<void> {
    let at = 0;
    const { thin } = createThinning(LEDGER_ID, { now: () => at, page });
    for (; at < 20_000_000; at += 1_000_000) await thin(ledger.pool);
  }

  test('the last one of each hour stays, and the first and last one of each key', async () => {
    const first = (await ledger.latest()).size;
    const sizes = [first];
    for (let count = 0; count < 5; count += 1) sizes.push(await sealMore());
    await ledger.rotate();
    for (let count = 0; count < 5; count += 1) sizes.push(await sealMore());
    await ledger.superuser.query(`update audit_checkpoints set sealed_at = '2026-01-01T10:30:00Z'`);
    const young = await sealMore();
    const [beforeRotation, afterRotation, last] = [sizes[5], sizes[6], sizes[10]];
    const owner = await ledger.database.connect();
    try {
      for (const size of [first, beforeRotation, afterRotation, last, young])
        await assert.rejects(
          owner.query('delete from audit_checkpoints where tree_size = $1', [size]),
          /append-only/,
          `${size} lasts`,
        );
      await assert.rejects(owner.query('delete from audit_checkpoints'), /append-only/);
    } finally {
      await owner.end();
    }
    await thinAll(4);
    assert.deepEqual(await sizesLeft(), [first, beforeRotation, afterRotation, last, young]);
  });

  test('none of the last day is let go', async () => {
    const count = (await sizesLeft()).length;
    for (let more = 0; more < 4; more += 1) await sealMore();
    await thinAll(100);
    assert.equal((await sizesLeft()).length, count + 4);
  });
});

describe('A checkpoint that is missing', () => {
  let ledger: FilledLedger;
  let copy: Copy;

  before(async () => {
    ledger = await openFilledLedger({ events: 1_400, sealedAt: [100, 300, 500, 700, 900, 1_300] });
  });

  afterEach(() => copy.drop());

  after(() => ledger.close());

  async function findingsAfter(
    sql: string,
    options: Parameters<typeof verifyAll>[1] = {},
  ): Promise<string[]> {
    copy = await ledger.copy();
    await copy.superuser.query(sql);
    const { findings } = await verifyAll(copy.url, options);
    return findings.map(({ check, expected }) => `${check}: ${expected.replace(/ of \S+ with/, '')}`);
  }

  test('from the last day is missed', async () => {
    assert.deepEqual(await findingsAfter('delete from audit_checkpoints where tree_size = 500'), [
      'checkpoints: a checkpoint 500 events before that with 700',
    ]);
  });

  const LONG_AGO = `update audit_checkpoints set sealed_at = sealed_at - interval '3 days'`;

  test('from long ago is missed where it lasts, and else not', async () => {
    assert.deepEqual(
      await findingsAfter(`${LONG_AGO}; delete from audit_checkpoints where tree_size = 500`),
      [],
    );
    await copy.drop();
    assert.deepEqual(
      await findingsAfter(`${LONG_AGO}; delete from audit_checkpoints where tree_size = 100`),
      ['checkpoints: a checkpoint 100 events before that with 300'],
    );
  });

  test('from the end is missed by the nodes of the tree that was signed with it', async () => {
    assert.deepEqual(await findingsAfter('delete from audit_checkpoints where tree_size > 900'), [
      'checkpoints: a checkpoint 1280 events or more, since it has nodes for them',
    ]);
  });

  test('is missed from where a partial verification starts, too', async () => {
    const since = { note: ledger.notes[1] ?? '' };
    assert.deepEqual(await findingsAfter('delete from audit_checkpoints where tree_size = 700', { since }), [
      'checkpoints: a checkpoint 700 events before that with 900',
    ]);
  });
});
