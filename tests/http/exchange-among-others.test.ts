/** An exchange among others: taken back, in a batch, and many of them at once. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { unique } from '../support/service.ts';
import { openedExchange } from './exchanging.ts';
import { expectInvalid, expectProblem } from './expect-problem.ts';

const at = openedExchange();
const { balances, bodyFor, exchange } = at;

describe('The reversal of an exchange', () => {
  test('takes back both sides at once, and is answered as one of several postings', async () => {
    const original = await exchange({ rate: '0.25' });
    const path = `/transactions/${original.body.transactionId}/reverse`;
    expectInvalid(await at.service.post(path, { amount: '10' }), path, ['amount']);
    const { body, status, text } = await at.service.post(path, { reason: 'mistaken' });
    assert.equal(status, 201, text);
    assert.deepEqual(
      [body.type, body.userId, body.asset, body.amount, body.balanceAfter, body.reason],
      ['reversal', at.holder.userId, null, null, null, 'mistaken'],
    );
    assert.deepEqual(
      body.entries.map((entry: Record<string, string>) => [
        ...[entry['direction'], entry['asset'], entry['amount'], entry['balanceAfter']],
      ]),
      [
        ['DEBIT', at.diamonds, '25', '0'],
        ['CREDIT', at.diamonds, '25', '0'],
        ['DEBIT', at.holder.assetSlug, '103', '-1000'],
        ['CREDIT', at.holder.assetSlug, '103', '1000'],
      ],
    );
    assert.deepEqual(await balances(), ['1000', '0']);
    const { body: shown } = await at.service.get(`/transactions/${original.body.transactionId}`);
    assert.deepEqual(
      [shown.reversals[0].transactionId, shown.reversals[0].amount],
      [body.transactionId, null],
    );
    assert.equal(shown.reversedAmount, null);
    expectProblem(await at.service.post(path, {}), 'reversal_exceeds_original', path);
  });

  test('needs what was got to be there still, unless it is forced', async () => {
    const original = await exchange({ rate: '0.25' });
    await at.service.post('/transactions/spend', {
      userId: at.holder.userId,
      assetSlug: at.diamonds,
      amount: '20',
    });
    const path = `/transactions/${original.body.transactionId}/reverse`;
    const declined = await at.service.post(path, {});
    expectProblem(declined, 'insufficient_funds', path);
    assert.deepEqual([declined.body.available, declined.body.required], ['5', '25']);
    const { body: kept } = await at.service.get(`/transactions/${declined.body.transactionId}`);
    assert.deepEqual([kept.asset, kept.amount, kept.reverses], [null, null, original.body.transactionId]);
    assert.equal((await at.service.post(path, { force: true })).status, 201);
    assert.deepEqual(await balances(), ['1000', '-20']);
  });
});

describe('In a batch', () => {
  test('an exchange is of type exchange, and has the key of its own route', async () => {
    const key = unique('key');
    const command = { idempotencyKey: key, type: 'exchange', ...bodyFor({ rate: '0.25' }) };
    const { body } = await at.service.post('/transactions/batch', {
      commands: [command, { ...command, rate: '1e1' }],
    });
    assert.deepEqual(
      body.results.map(({ status }: { status: number }) => status),
      [201, 400],
    );
    const again = await exchange({ rate: '0.25' }, key);
    assert.deepEqual([again.headers['idempotent-replayed'], again.body], ['true', body.results[0].body]);
  });

  test('it counts as two postings, and is done with the rest of an atomic one or not at all', async () => {
    const commands = Array.from({ length: 501 }, () => ({
      ...{ idempotencyKey: unique('key'), type: 'exchange', ...bodyFor({ rate: '1', amount: '1' }) },
    }));
    const tooMany = await at.service.post('/transactions/batch', { commands });
    assert.match(tooMany.body.errors[0].message, /at most 1000 postings in all, not 1002/);
    const tooMuch = { ...commands[1], amount: '1000' };
    const refused = await at.service.post('/transactions/batch', {
      commands: [commands[0], tooMuch],
      atomic: true,
    });
    expectProblem(refused, 'batch_refused', '/transactions/batch');
    assert.deepEqual(await balances(), ['1000', '0']);
  });
});

test('two exchanges at once in opposite directions both end, and nothing is lost', async () => {
  await exchange({ rate: '1', amount: '500' });
  const back = { fromAsset: at.diamonds, toAsset: at.holder.assetSlug, rate: '1' };
  const replies = await Promise.all(
    Array.from({ length: 40 }, (_, index) =>
      exchange({ amount: '10', ...(index % 2 === 0 ? { rate: '1' } : back) }),
    ),
  );
  for (const { status, text } of replies) assert.equal(status, 201, text);
  assert.deepEqual(await balances(), ['500', '500']);
});
