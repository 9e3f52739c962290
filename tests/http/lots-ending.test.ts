/** The end of a bonus that expires: what is left goes back, but for what a hold keeps. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../support/until.ts';
import { expectProblem } from './expect-problem.ts';
import { SOON_MS, openedLots } from './lot-holder.ts';
import { giveBonus, newHolder, spend, topUp } from './payments.ts';

const at = openedLots();
const { expectBalance, inMs, left, lot, lots, untilExpired } = at;

test('what is left at the end goes back to the treasury, within 3 s', async () => {
  const expiresAt = inMs(SOON_MS);
  const lotId = await lot('30', { expiresAt });
  await spend(at.service, at.holder, '10');
  const { body } = await untilExpired(lotId);
  const [expiry] = body.data;
  assert.equal(expiry.amount, '20');
  assert.equal(expiry.balanceAfter, '100');
  const late = Date.parse(expiry.recordedAt) - Date.parse(expiresAt);
  assert.ok(late >= 0 && late < 3_000, `${late} ms late`);
  await expectBalance('100');
  const [ended] = (await lots()).body.data;
  assert.deepEqual([ended.status, ended.spent, ended.expired], ['expired', '10', '20']);
  const again = await at.service.post(`/transactions/${expiry.transactionId}/reverse`, {});
  expectProblem(again, 'not_reversible', `/transactions/${expiry.transactionId}/reverse`);
});

test('an expired bonus and its expiries name each other', async () => {
  const expiresAt = inMs(SOON_MS);
  const lotId = await lot('30', { expiresAt });
  const { body: hold } = await at.service.post('/holds', { ...at.holder, amount: '4' });
  const { body: given } = await at.service.get(`/transactions/${lotId}`);
  assert.ok(!('expiries' in given) && !('expiredAmount' in given));
  const { body: first } = await untilExpired(lotId);
  await at.service.post(`/holds/${hold.holdId}/release`, {});
  const ended = await until('the rest has expired', async () => {
    const { body } = await at.service.get(`/transactions/${lotId}`);
    return body.expiries?.length === 2 && body;
  });
  assert.deepEqual(
    ended.expiries.map(({ amount }: { amount: string }) => amount),
    ['26', '4'],
  );
  const { transactionId, position, recordedAt } = first.data[0];
  assert.deepEqual(ended.expiries[0], { transactionId, amount: '26', position, recordedAt });
  assert.deepEqual([ended.expiredAmount, ended.reversals], ['30', undefined]);
  for (const expiry of ended.expiries) {
    const { body } = await at.service.get(`/transactions/${expiry.transactionId}`);
    assert.equal(body.expires, lotId);
  }
});

test('a hold keeps what it reserves of a lot until it ends', async () => {
  const expiresAt = inMs(SOON_MS);
  const lotId = await lot('30', { expiresAt });
  const { body: hold } = await at.service.post('/holds', { ...at.holder, amount: '20' });
  const { body: expired } = await untilExpired(lotId);
  assert.equal(expired.data[0].amount, '10');
  assert.deepEqual(await left(lotId), ['20']);
  await expectBalance('120', '20');
  const captured = await at.service.post(`/holds/${hold.holdId}/capture`, { amount: '15' });
  assert.equal(captured.status, 201, captured.text);
  const { body: paid } = await at.service.get(`/transactions/${captured.body.transactionId}`);
  assert.deepEqual(paid.entries[0].lots, [{ lotId, amount: '15' }]);
  await until('the rest has expired', async () => (await left(lotId))[0] === '0');
  await expectBalance('100');
  const [ended] = (await lots()).body.data;
  assert.deepEqual([ended.spent, ended.expired], ['15', '15']);
});

test('a released hold leaves the lot as it was', async () => {
  const lotId = await lot('30');
  const { body: hold } = await at.service.post('/holds', { ...at.holder, amount: '120' });
  assert.deepEqual((await lots()).body.data[0].reserved, '30');
  expectProblem(await spend(at.service, at.holder, '11'), 'insufficient_funds', '/transactions/spend');
  assert.equal((await at.service.post(`/holds/${hold.holdId}/release`, {})).status, 201);
  assert.deepEqual(await left(lotId), ['30']);
  assert.deepEqual((await lots()).body.data[0].reserved, '0');
  const { body } = await spend(at.service, at.holder, '35');
  assert.deepEqual(body.entries[0].lots, [{ lotId, amount: '30' }]);
});

test('a partial capture takes from the lots first, and the rest of the hold keeps the rest of them', async () => {
  const lotId = await lot('30');
  const { body: hold } = await at.service.post('/holds', { ...at.holder, amount: '50' });
  await at.service.post(`/holds/${hold.holdId}/capture`, { amount: '20', final: false });
  assert.deepEqual(
    (await lots()).body.data.map((each: { remaining: string; reserved: string }) => [
      each.remaining,
      each.reserved,
    ]),
    [['10', '10']],
  );
  await at.service.post(`/holds/${hold.holdId}/capture`, { amount: '20', final: false });
  assert.deepEqual(await left(lotId), ['0']);
  await at.service.post(`/holds/${hold.holdId}/release`, {});
  await expectBalance('90');
});

test('a user with a lot is not erased, though a debt hides it', async () => {
  const fresh = await newHolder(at.service);
  const { body: topped } = await topUp(at.service, fresh, '1');
  const wallet = topped.entries[1].walletId;
  await at.service.post(`/wallets/${wallet}/overdraft`, { limit: '50' });
  await spend(at.service, fresh, '51');
  await giveBonus(at.service, fresh, '50', { expiresInDays: 3 });
  const path = `/users/${fresh.userId}/erase`;
  const reply = await at.service.post(path, {});
  expectProblem(reply, 'user_not_empty', path);
  assert.deepEqual(reply.body.balances, ['0']);
});

test('no more than 38 digits are held, which a dry run says too', async () => {
  const most = '9'.repeat(38);
  const fresh = await newHolder(at.service);
  const { body: topped } = await topUp(at.service, fresh, most);
  await at.service.post(`/wallets/${topped.entries[1].walletId}/overdraft`, { limit: most });
  assert.equal((await at.service.post('/holds', { ...fresh, amount: most })).status, 201);
  const dry = await at.service.post('/holds?dryRun=true', { ...fresh, amount: '1' });
  assert.equal(dry.status, 422, dry.text);
  expectProblem(await at.service.post('/holds', { ...fresh, amount: '1' }), 'balance_out_of_range', '/holds');
});

test('of a bonus that expired nothing is left to take back', async () => {
  const lotId = await lot('30', { expiresAt: inMs(SOON_MS) });
  await spend(at.service, at.holder, '10');
  await untilExpired(lotId);
  const path = `/transactions/${lotId}/reverse`;
  const reply = await at.service.post(path, { amount: '11' });
  expectProblem(reply, 'reversal_exceeds_original', path);
  assert.equal(reply.body.remaining, '0');
});
