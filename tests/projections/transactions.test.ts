import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { transactions } from '../../src/projections/transactions.ts';
import { createAsset, registerUser, type Reply } from '../support/service.ts';
import { accepted, openReadSide, type ReadSide, type Row } from './read-side.ts';

let side: ReadSide;

before(async () => {
  side = await openReadSide();
});

after(() => side.close());

async function listed(reply: Reply): Promise<Row[]> {
  await side.catchUp(transactions);
  const position = String(reply.headers['coffer-position']);
  const rows = await side.rows('select * from read.transactions where ledger_id = $1 and position = $2', [
    position,
  ]);
  return rows.map(({ ledger_id: _, position: at, ...row }) => {
    assert.equal(at, BigInt(position));
    return row;
  });
}

describe('The list of transactions', () => {
  test('has each posted one with its type, reference and user (transaction.posted)', async () => {
    const [alice, bob] = [await registerUser(side.service), await registerUser(side.service)];
    const assetSlug = await createAsset(side.service);
    const post = (kind: string, body: object) =>
      side.service.post(`/transactions/${kind}`, { assetSlug, ...body });
    const own = { status: 'posted', user_id: alice.id };
    const topup = await post('topup', { userId: alice.id, amount: '100', reference: 'ref-1' });
    assert.deepEqual(await listed(topup), [{ type: 'topup', reference: 'ref-1', ...own }]);
    const bonus = await post('bonus', { userId: alice.id, amount: '1' });
    assert.deepEqual(await listed(bonus), [{ type: 'bonus', reference: null, ...own }]);
    const spend = await post('spend', { userId: alice.id, amount: '1', reference: 'Ünïcode "quoted" 😀' });
    assert.deepEqual(await listed(spend), [{ type: 'spend', reference: 'Ünïcode "quoted" 😀', ...own }]);
    const transfer = await post('transfer', { fromUserId: alice.id, toUserId: bob.id, amount: '1' });
    assert.deepEqual(await listed(transfer), [{ type: 'transfer', reference: null, ...own }]);
  });

  test('has each refused one with the user it concerns (transaction.rejected)', async () => {
    const user = await registerUser(side.service);
    const assetSlug = await createAsset(side.service);
    const body = { userId: user.id, assetSlug, amount: '1', reference: 'ref-2' };
    const refused = await side.service.post('/transactions/spend', body);
    assert.equal(refused.status, 422);
    const row = { type: 'spend', status: 'rejected', reference: 'ref-2', user_id: user.id };
    assert.deepEqual(await listed(refused), [row]);
  });

  test('has one line for a remembered answer however often it is asked for', async () => {
    const user = await registerUser(side.service);
    const body = { userId: user.id, assetSlug: await createAsset(side.service), amount: '1' };
    const first = await side.service.post('/transactions/topup', body, 'one-key');
    const second = await side.service.post('/transactions/topup', body, 'one-key');
    assert.equal(second.headers['idempotent-replayed'], 'true');
    assert.equal((await listed(second)).length, 1);
    assert.deepEqual(second.body, first.body);
    const of = await side.rows('select from read.transactions where ledger_id = $1 and user_id = $2', [
      user.id,
    ]);
    assert.equal(of.length, 1);
  });

  test('has nothing but transactions', async () => {
    const user = await registerUser(side.service);
    const slug = await createAsset(side.service);
    const topup = await side.service.post('/transactions/topup', {
      userId: user.id,
      assetSlug: slug,
      amount: '1',
    });
    const { walletId } = accepted(topup).entries[1];
    await side.catchUp(transactions);
    const before = await side.contents(transactions);
    for (const [path, body] of [
      [`/wallets/${walletId}/status`, { status: 'FROZEN' }],
      [`/users/${user.id}/status`, { status: 'BANNED' }],
      [`/assets/${slug}/status`, { status: 'FROZEN' }],
      ['/users', { email: `other.${user.email}` }],
      ['/assets', { slug: `${slug}_2` }],
    ] as const) {
      accepted(await side.service.post(path, body));
    }
    assert.equal(await side.catchUp(transactions), 6n);
    assert.deepEqual(await side.contents(transactions), before);
  });
});
