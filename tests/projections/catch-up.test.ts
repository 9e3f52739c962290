import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { catchUp, recordFailure } from '../../src/projections/catch-up.ts';
import { projections } from '../../src/projections/catalog.ts';
import type { Projection } from '../../src/projections/projection.ts';
import { transactions } from '../../src/projections/transactions.ts';
import { walletBalances } from '../../src/projections/wallet-balances.ts';
import { createAsset, registerUser } from '../support/service.ts';
import { accepted, openReadSide, type ReadSide, type Row } from './read-side.ts';

let side: ReadSide;
let money: { userId: string; assetSlug: string; amount: string };

before(async () => {
  side = await openReadSide();
  const { id: userId } = await registerUser(side.service);
  money = { userId, assetSlug: await createAsset(side.service), amount: '10' };
});

after(() => side.close());

async function topUp(times = 1): Promise<void> {
  for (let time = 0; time < times; time += 1) {
    accepted(await side.service.post('/transactions/topup', money));
  }
}

async function statusOf(projection: Projection): Promise<Row> {
  const { body } = await side.service.get('/projections');
  const status = (body.data as Row[]).find(({ name }) => name === projection.name);
  assert.ok(status !== undefined);
  return status;
}

const failing: Projection = {
  ...transactions,
  async apply(tx, range) {
    await transactions.apply(tx, range);
    throw new Error('no room in the attic');
  },
};

describe('A pass', () => {
  test('reaches the head and says how much it applied', async () => {
    await topUp(2);
    const from = await side.checkpoint(walletBalances);
    const head = await side.head();
    assert.equal(await side.catchUp(walletBalances), head - from);
    await topUp();
    assert.equal(await side.catchUp(walletBalances), 1n);
    assert.equal(await side.checkpoint(walletBalances), await side.head());
  });

  test('moves its own projection only', async () => {
    await side.catchUp(transactions);
    const before = await side.checkpoint(transactions);
    await topUp();
    await side.catchUp(walletBalances);
    assert.equal(await side.checkpoint(transactions), before);
  });

  test('leaves a projection that another one is moving to it, and takes the rest along', async () => {
    await topUp();
    for (const projection of projections) await side.catchUp(projection);
    const before = await side.checkpoint(transactions);
    await topUp();
    const other = await side.database.connect();
    try {
      await other.query('begin');
      const lock = `select from read.checkpoints where ledger_id = $1 and projection = $2 and live for update`;
      await other.query(lock, [side.ledgerId, transactions.name]);
      const { applied, more } = await catchUp(side.pool, side.ledgerId, projections);
      const others = projections.filter(({ name }) => name !== transactions.name);
      assert.deepEqual(
        applied.toSorted((a, b) => a.projection.localeCompare(b.projection)),
        others
          .map(({ name }) => ({ projection: name, events: 1n }))
          .toSorted((a, b) => a.projection.localeCompare(b.projection)),
      );
      assert.equal(more, false);
      assert.equal(await side.checkpoint(transactions), before);
      assert.equal(await side.checkpoint(walletBalances), await side.head());
    } finally {
      await other.query('rollback');
      await other.end();
    }
    assert.equal(await side.catchUp(transactions), 1n);
  });

  test('of several moves none of them when one fails', async () => {
    for (const projection of projections) await side.catchUp(projection);
    await topUp();
    const before = await side.checkpoint(walletBalances);
    await assert.rejects(
      catchUp(side.pool, side.ledgerId, [walletBalances, failing]),
      /no room in the attic/,
    );
    assert.equal(await side.checkpoint(walletBalances), before);
    assert.equal(await side.checkpoint(transactions), before);
  });

  test('only ever moves the checkpoint forward while commands are written and passes run side by side', async () => {
    const seen: bigint[] = [];
    let writing = true;
    const passes = [1, 2].map(async () => {
      while (writing) await side.catchUp(walletBalances);
    });
    const observer = (async () => {
      while (writing) seen.push(await side.checkpoint(walletBalances));
    })();
    await topUp(40);
    writing = false;
    await Promise.all([...passes, observer]);
    await side.catchUp(walletBalances);
    assert.deepEqual(
      seen,
      seen.toSorted((a, b) => Number(a - b)),
    );
    assert.ok(new Set(seen).size > 2, `the checkpoint was seen at ${seen.join()}`);
    const sql = 'select sum(balance) as sum from read.wallet_balances where ledger_id = $1 and owner = $2';
    const [projected] = await side.rows(sql, [money.userId]);
    const [head] = await side.rows(
      'select sum(balance) as sum from wallets where ledger_id = $1 and owner = $2',
      [money.userId],
    );
    assert.deepEqual(projected, head);
  });
});

describe('A pass that fails', () => {
  test('leaves checkpoint and rows as they were, and the next one does the work', async () => {
    await side.catchUp(transactions);
    const before = { rows: await side.contents(transactions), position: await side.checkpoint(transactions) };
    await topUp(2);
    await assert.rejects(side.catchUp(failing), /no room in the attic/);
    assert.deepEqual(await side.contents(transactions), before.rows);
    assert.equal(await side.checkpoint(transactions), before.position);
    assert.equal(await side.catchUp(transactions), 2n);
    assert.equal((await side.contents(transactions))[0]!.length, before.rows[0]!.length + 2);
  });

  test('does not hold the others up', async () => {
    await topUp();
    await assert.rejects(side.catchUp(failing), /no room in the attic/);
    await side.catchUp(walletBalances);
    assert.equal(await side.checkpoint(walletBalances), await side.head());
  });

  test('is shown by GET /projections with its reason until a later one succeeds', async () => {
    for (const projection of projections) await side.catchUp(projection);
    await topUp();
    await recordFailure(side.pool, side.ledgerId, transactions.name, new Error('no room in the attic'));
    const failed = await statusOf(transactions);
    assert.equal(failed['state'], 'failed');
    assert.equal(failed['error'], 'no room in the attic');
    assert.equal(failed['lagEvents'], '1');
    assert.equal((await statusOf(walletBalances))['state'], 'catching_up');
    await side.catchUp(transactions);
    const { state, error, position, headPosition, lagEvents, lagMs } = await statusOf(transactions);
    assert.deepEqual(
      { state, error, lagEvents, lagMs },
      { state: 'live', error: null, lagEvents: '0', lagMs: 0 },
    );
    assert.equal(position, headPosition);
  });

  test('is recorded with at most 500 characters, whatever was thrown', async () => {
    await topUp();
    await recordFailure(side.pool, side.ledgerId, transactions.name, 'x'.repeat(501));
    assert.equal((await statusOf(transactions))['error'], 'x'.repeat(500));
    await side.catchUp(transactions);
  });

  test('is not recorded when nothing is left to apply, since no later pass would take it back', async () => {
    await side.catchUp(transactions);
    await recordFailure(
      side.pool,
      side.ledgerId,
      transactions.name,
      new Error('canceled while waiting for a lock'),
    );
    assert.equal((await statusOf(transactions))['state'], 'live');
  });
});
