/** Overdrafts and spend limits, as those who set them and those who meet them see them. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createAsset, startService, type Service } from '../support/service.ts';
import { until } from '../support/until.ts';
import { expectInvalid, expectProblem } from './expect-problem.ts';
import { newHolder, spend, topUp, transfer, walletOf, type Holder } from './payments.ts';

const HOUR = 3_600_000;
const NOBODY = '01998a6e-7c00-7000-8000-00000000dead';

let database: TestDatabase;
let service: Service;

before(async () => {
  database = await createTestDatabase();
  service = await startService(database);
});

after(async () => {
  await service.close();
  await database.drop();
});

async function withMoney(amount = '100', assetSlug?: string): Promise<Holder & { walletId: string }> {
  const holder = await newHolder(service, assetSlug);
  return { ...holder, walletId: walletOf(await topUp(service, holder, amount)) };
}

const payer = ({ userId, assetSlug }: Holder): Holder => ({ userId, assetSlug });

/** The window whose oldest spend is of right now frees within its length and one bucket. */
function assertFreesIn(freesAt: string, lengthMs: number, bucketMs: number): void {
  const left = Date.parse(freesAt) - Date.now();
  assert.ok(left > lengthMs - 60_000 && left <= lengthMs + bucketMs, `${freesAt} is in ${left} ms`);
  assert.equal(Date.parse(freesAt) % bucketMs, 0);
}

describe('An overdraft', () => {
  test('is answered with the wallet, shown wherever the wallet is, and replayed as it was', async () => {
    const holder = await withMoney();
    const key = randomUUID();
    const path = `/wallets/${holder.walletId}/overdraft`;
    const set = await service.post(path, { limit: '50' }, key);
    assert.equal(set.status, 201);
    const { position, recordedAt, ...shown } = set.body;
    assert.ok(position !== undefined && recordedAt !== undefined);
    assert.equal(shown.overdraft, '50');
    const { body } = await service.get(`/wallets/${holder.walletId}?atLeast=${position}`);
    assert.deepEqual(body, shown);
    const list = await service.get(`/users/${holder.userId}/wallets?atLeast=${position}`);
    assert.deepEqual(list.body.data, [shown]);
    await service.post(path, { limit: '0' });
    const again = await service.post(path, { limit: '50' }, key);
    assert.deepEqual([again.text, again.headers['idempotent-replayed']], [set.text, 'true']);
    const other = await service.post(path, { limit: '60' }, key);
    expectProblem(other, 'idempotency_key_reused', path);
    assert.deepEqual(other.body.differs, ['limit']);
    assert.ok(!('overdraft' in (await service.get(`/wallets/${holder.walletId}`)).body));
  });

  test('lets the wallet go below zero', async () => {
    const holder = await withMoney('10');
    await service.post(`/wallets/${holder.walletId}/overdraft`, { limit: '50' });
    const spent = await spend(service, payer(holder), '60');
    assert.equal(spent.body.balanceAfter, '-50');
    const refused = await spend(service, payer(holder), '1');
    expectProblem(refused, 'insufficient_funds', '/transactions/spend');
    assert.deepEqual(
      [refused.body.available, refused.body.overdraft, refused.body.required],
      ['-50', '50', '1'],
    );
    const { body } = await service.get(`/wallets/${holder.walletId}/limits`);
    assert.deepEqual(body.overdraft, { limit: '50', used: '50' });
  });

  test('is in the answer of a status change, the first time and when it is replayed', async () => {
    const holder = await withMoney();
    await service.post(`/wallets/${holder.walletId}/overdraft`, { limit: '7' });
    await service.post(`/wallets/${holder.walletId}/limits`, { week: '70', perTransaction: '9' });
    const key = randomUUID();
    const frozen = await service.post(`/wallets/${holder.walletId}/status`, { status: 'FROZEN' }, key);
    assert.equal(frozen.body.overdraft, '7');
    assert.deepEqual(frozen.body.limits, { perTransaction: '9', day: null, week: '70', month: null });
    const again = await service.post(`/wallets/${holder.walletId}/status`, { status: 'FROZEN' }, key);
    assert.equal(again.text, frozen.text);
  });
});

describe('What cannot be meant is a 400', () => {
  test('of the body', async () => {
    const holder = await withMoney();
    const bodies: [string, unknown, string[]][] = [
      ['overdraft', {}, ['limit']],
      ['overdraft', { limit: 5 }, ['limit']],
      ['overdraft', { limit: '-5' }, ['limit']],
      ['overdraft', { limit: '1'.repeat(39) }, ['limit']],
      ['overdraft', { limit: null }, ['limit']],
      ['limits', { day: '1.5' }, ['day']],
      ['limits', {}, ['body']],
      ['limits', { week: 7, month: '07' }, ['week', 'month']],
    ];
    for (const [what, body, paths] of bodies) {
      const path = `/wallets/${holder.walletId}/${what}`;
      expectInvalid(await service.post(path, body), path, paths);
    }
    const path = `/wallets/${holder.walletId}/limits`;
    assert.equal((await service.post(path, { year: '1' })).status, 400);
  });

  test('of a wallet of a system account, and a 404 of one that is not there', async () => {
    const holder = await withMoney();
    const treasury = (await topUp(service, payer(holder), '1')).body.entries[0].walletId as string;
    for (const [what, body] of [
      ['overdraft', { limit: '1' }],
      ['limits', { day: '1' }],
    ] as const) {
      const path = `/wallets/${treasury}/${what}`;
      expectInvalid(await service.post(path, body), path, ['id']);
      const none = `/wallets/${NOBODY}/${what}`;
      expectProblem(await service.post(none, body), 'wallet_not_found', none);
    }
    expectProblem(
      await service.post('/assets/none/limits', { day: null }),
      'asset_not_found',
      '/assets/none/limits',
    );
    const none = `/wallets/${NOBODY}/limits`;
    expectProblem(await service.get(none), 'wallet_not_found', none);
  });
});

describe('Limits', () => {
  test('refuse what is more, say why, and remember that they did', async () => {
    const holder = await withMoney();
    await service.post(`/wallets/${holder.walletId}/limits`, { perTransaction: '30', day: '50' });
    assert.equal((await spend(service, payer(holder), '30')).status, 201);
    const key = randomUUID();
    const refused = await spend(service, payer(holder), '21', { key });
    expectProblem(refused, 'limit_exceeded', '/transactions/spend');
    const { window, scope, limit, used, required, freesAt, walletId, transactionId } = refused.body;
    assert.deepEqual(
      { window, scope, limit, used, required, walletId },
      {
        ...{ window: 'day', scope: 'wallet', limit: '50', used: '30', required: '21' },
        walletId: holder.walletId,
      },
    );
    assertFreesIn(freesAt, 24 * HOUR, HOUR);
    const declined = await service.get(`/transactions/${transactionId}`);
    assert.deepEqual(
      [declined.body.status, declined.body.rejection.code, declined.body.rejection.figures.freesAt],
      ['rejected', 'limit_exceeded', freesAt],
    );
    await service.post(`/wallets/${holder.walletId}/limits`, { day: null });
    const again = await spend(service, payer(holder), '21', { key });
    assert.deepEqual([again.text, again.headers['idempotent-replayed']], [refused.text, 'true']);
    assert.equal((await spend(service, payer(holder), '21')).status, 201);
  });

  test('of an asset hold for each of its wallets, and the stricter one holds', async () => {
    const assetSlug = await createAsset(service);
    const [one, other] = [await withMoney('100', assetSlug), await withMoney('100', assetSlug)];
    const set = await service.post(`/assets/${assetSlug}/limits`, { month: '40', perTransaction: '35' });
    const { position, recordedAt: _, ...shown } = set.body;
    assert.deepEqual(shown.limits, { perTransaction: '35', day: null, week: null, month: '40' });
    const { body: list } = await service.get(`/assets?limit=500&atLeast=${position}`);
    assert.deepEqual(
      list.data.find(({ slug }: { slug: string }) => slug === assetSlug),
      shown,
    );
    await service.post(`/wallets/${other.walletId}/limits`, { month: '20' });
    const parties = { from: payer(one), to: payer(other) };
    assert.equal((await transfer(service, parties, '35')).status, 201);
    assert.equal((await transfer(service, parties, '36')).body.window, 'transaction');
    assert.equal((await transfer(service, parties, '6')).body.scope, 'asset');
    const { scope, limit, freesAt } = (await spend(service, payer(other), '21')).body;
    assert.deepEqual({ scope, limit, freesAt }, { scope: 'wallet', limit: '20', freesAt: null });
    const { body: left } = await service.get(`/wallets/${one.walletId}/limits`);
    assert.deepEqual(left.perTransaction, { limit: '35', scope: 'asset' });
    assert.deepEqual(left.day, { limit: null, scope: null, used: '0', left: null, freesAt: null });
    const { freesAt: monthFrees, ...month } = left.month;
    assert.deepEqual(month, { limit: '40', scope: 'asset', used: '35', left: '5' });
    assertFreesIn(monthFrees, 30 * 24 * HOUR, 24 * HOUR);
    const frozen = await service.post(`/assets/${assetSlug}/status`, { status: 'FROZEN' });
    assert.deepEqual(frozen.body.limits, shown.limits);
  });

  test('hold for a change of them at once, though another process had them cached', async () => {
    const second = await startService(database, { worker: false });
    try {
      const holder = await withMoney();
      assert.equal((await spend(second, payer(holder), '10')).status, 201);
      await service.post(`/assets/${holder.assetSlug}/limits`, { perTransaction: '5' });
      assert.equal((await spend(second, payer(holder), '10')).body.code, 'limit_exceeded');
      await service.post(`/assets/${holder.assetSlug}/limits`, { day: null });
      assert.equal((await spend(second, payer(holder), '10')).status, 201);
    } finally {
      await second.close();
    }
  });

  test('count holds when they are placed and give back what is released or expires', async () => {
    const holder = await withMoney();
    await service.post(`/wallets/${holder.walletId}/limits`, { week: '50' });
    const used = async () => (await service.get(`/wallets/${holder.walletId}/limits`)).body.week.used;
    const placed = await service.post('/holds', { ...payer(holder), amount: '40' });
    assert.equal(placed.status, 201);
    assert.ok(!('counted' in placed.body));
    expectProblem(
      await service.post('/holds', { ...payer(holder), amount: '11' }),
      'limit_exceeded',
      '/holds',
    );
    await service.post(`/holds/${placed.body.holdId}/capture`, { amount: '15' });
    assert.equal(await used(), '15');
    await service.post('/holds', { ...payer(holder), amount: '35', expiresInSeconds: 1 });
    assert.equal(await used(), '50');
    await until('the hold has expired', async () => (await used()) === '15');
  });
});

describe('A dry run', () => {
  test('tells the refusal, and what would be left', async () => {
    const holder = await withMoney();
    const without = await service.post('/transactions/spend?dryRun=true', { ...payer(holder), amount: '10' });
    assert.ok(!('limits' in without.body));
    await service.post(`/wallets/${holder.walletId}/limits`, { day: '50' });
    await spend(service, payer(holder), '5');
    const would = await service.post('/transactions/spend?dryRun=true', { ...payer(holder), amount: '10' });
    assert.equal(would.status, 200);
    const [{ walletId, day }] = would.body.limits;
    assert.deepEqual(
      [walletId, day.limit, day.used, day.left, would.body.limits.length],
      [holder.walletId, '50', '15', '35', 1],
    );
    const refused = await service.post('/transactions/spend?dryRun=true', { ...payer(holder), amount: '46' });
    assert.deepEqual([refused.status, refused.body.code, refused.body.used], [422, 'limit_exceeded', '5']);
    const { body } = await service.get(`/wallets/${holder.walletId}/limits`);
    assert.deepEqual([body.day.used, body.day.left], ['5', '45']);
  });

  test('of a batch tells what each of its commands would leave', async () => {
    const holder = await withMoney();
    await service.post(`/wallets/${holder.walletId}/limits`, { day: '50' });
    const command = { type: 'spend', ...payer(holder), amount: '10' };
    const commands = [command, { ...command, type: 'hold' }, { ...command, type: 'topup' }];
    const { body } = await service.post('/transactions/batch?dryRun=true', { commands });
    // oxlint-disable-next-line typescript/no-explicit-any -- bodies of all shapes
    const left = body.results.map((result: any) => result.body.limits?.[0].day.left);
    assert.deepEqual(left, ['40', '30', undefined]);
  });
});

test('An explanation of now shows overdraft and limits, one of the past does not', async () => {
  const holder = await withMoney();
  const { body: set } = await service.post(`/wallets/${holder.walletId}/limits`, { day: '50' });
  await service.post(`/wallets/${holder.walletId}/overdraft`, { limit: '20' });
  const spent = await spend(service, payer(holder), '5');
  const now = await service.get(`/wallets/${holder.walletId}/explain?atLeast=${spent.body.position}`);
  assert.deepEqual([now.body.limits.day.left, now.body.limits.overdraft.limit], ['45', '20']);
  assert.ok(!('walletId' in now.body.limits));
  const past = await service.get(`/wallets/${holder.walletId}/explain?asOf=${set.position}`);
  assert.ok(!('limits' in past.body));
});

test('The feed of a wallet has what was set of it', async () => {
  const holder = await withMoney();
  await service.post(`/wallets/${holder.walletId}/overdraft`, { limit: '20' });
  await service.post(`/wallets/${holder.walletId}/limits`, { day: '50' });
  const feed = await service.get(`/events?walletId=${holder.walletId}&limit=100`);
  assert.deepEqual(
    feed.body.data.map(({ type }: { type: string }) => type),
    ['wallet.opened', 'transaction.posted', 'wallet.overdraft_changed', 'wallet.limits_changed'],
  );
  const some = await service.get(`/events?walletId=${holder.walletId}&type=wallet.limits_changed`);
  assert.equal(some.body.data.length, 1);
});
