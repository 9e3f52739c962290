/** Reversals and bonuses that expire: what comes back to a lot, and what can be taken out of one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../support/until.ts';
import { expectProblem } from './expect-problem.ts';
import { SOON_MS, openedLots } from './lot-holder.ts';
import { spend, topUp } from './payments.ts';

const at = openedLots();
const { expectBalance, inMs, left, lot, untilExpired } = at;

test('a reversal gives back to the lot, what was spent last first', async () => {
  const lotId = await lot('30');
  const { body } = await spend(at.service, at.holder, '50');
  const path = `/transactions/${body.transactionId}/reverse`;
  const first = await at.service.post(path, { amount: '25' });
  assert.deepEqual(first.body.entries[1].lots, [{ lotId, amount: '5' }]);
  const second = await at.service.post(path, {});
  assert.deepEqual(second.body.entries[1].lots, [{ lotId, amount: '25' }]);
  assert.deepEqual(await left(lotId), ['30']);
  await expectBalance('130');
});

test('what comes back to a lot that is over expires at once', async () => {
  const lotId = await lot('30', { expiresAt: inMs(SOON_MS) });
  const { body } = await spend(at.service, at.holder, '30');
  await until('its time is over', () => Date.now() > Date.parse(body.recordedAt) + SOON_MS + 50);
  const reply = await at.service.post(`/transactions/${body.transactionId}/reverse`, {});
  assert.equal(reply.status, 201, reply.text);
  assert.deepEqual(reply.body.entries[1].lots, [{ lotId, amount: '30' }]);
  await untilExpired(lotId);
  await expectBalance('100');
});

test('the reversal of a bonus takes from its own lot', async () => {
  const early = await lot('30', { expiresInDays: 10 });
  const late = await lot('30', { expiresInDays: 20 });
  const { body } = await at.service.post(`/transactions/${late}/reverse`, { amount: '20' });
  assert.deepEqual(body.entries[0].lots, [{ lotId: late, amount: '20' }]);
  assert.deepEqual(await left(early, late), ['30', '10']);
});

test('a bonus can be reversed as far as it is in its lot and held by nobody', async () => {
  const lotId = await lot('30');
  const { body: hold } = await at.service.post('/holds', { ...at.holder, amount: '20' });
  const path = `/transactions/${lotId}/reverse`;
  const refused = await at.service.post(path, { amount: '11', force: true });
  expectProblem(refused, 'reversal_exceeds_original', path);
  assert.equal(refused.body.remaining, '10');
  const { body } = await at.service.post(path, {});
  assert.deepEqual(body.entries[0].lots, [{ lotId, amount: '10' }]);
  await at.service.post(`/holds/${hold.holdId}/release`, {});
  assert.deepEqual(await left(lotId), ['20']);
  await expectBalance('120');
});

test('what was taken back of a bonus is never taken a second time when it expires', async () => {
  const lotId = await lot('30', { expiresAt: inMs(SOON_MS) });
  const { body: spent } = await spend(at.service, at.holder, '30');
  const path = `/transactions/${lotId}/reverse`;
  expectProblem(await at.service.post(path, {}), 'reversal_exceeds_original', path);
  await at.service.post(`/transactions/${spent.transactionId}/reverse`, {});
  await untilExpired(lotId);
  await expectBalance('100');
});

test('a reversal that would open too many lots is refused, by force too', async () => {
  const give = () =>
    Array.from({ length: 500 }, () => ({
      ...{ idempotencyKey: crypto.randomUUID(), type: 'bonus', ...at.holder, amount: '1', expiresInDays: 3 },
    }));
  await at.service.post('/transactions/batch', { commands: give() }, '');
  const { body: spent } = await spend(at.service, at.holder, '500');
  await at.service.post('/transactions/batch', { commands: give() }, '');
  const path = `/transactions/${spent.transactionId}/reverse`;
  const reply = await at.service.post(path, { force: true });
  expectProblem(reply, 'too_many_lots', path);
  assert.deepEqual([reply.body.lots, reply.body.limit], ['1000', '500']);
  const again = await at.service.post('/transactions/bonus', { ...at.holder, amount: '1', expiresInDays: 3 });
  expectProblem(again, 'too_many_lots', '/transactions/bonus');
});

test('force takes lots as well, and no lot is ever below nothing', async () => {
  const topUpId = (await topUp(at.service, at.holder, '50')).body.transactionId;
  const lotId = await lot('30');
  await spend(at.service, at.holder, '20');
  const { body: hold } = await at.service.post('/holds', { ...at.holder, amount: '150' });
  const reply = await at.service.post(`/transactions/${topUpId}/reverse`, { force: true });
  assert.equal(reply.status, 201, reply.text);
  // All of the lot is reserved: what is taken is plain.
  assert.equal('lots' in reply.body.entries[0], false);
  await at.service.post(`/holds/${hold.holdId}/release`, {});
  assert.deepEqual(await left(lotId), ['10']);
});
