/** Bonuses that expire as they are shown: beforehand, in lists, by holds and in explanations. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPool, inSnapshot } from '../../src/db/pool.ts';
import { explainWallet } from '../../src/projections/queries/explain.ts';
import type { Reply } from '../support/service.ts';
import { expectInvalid, expectProblem } from './expect-problem.ts';
import { openedLots } from './lot-holder.ts';
import { newHolder, spend, topUp } from './payments.ts';

const poolOptions = {
  ...{ name: 'test', max: 1, connectTimeoutMs: 5_000, statementTimeoutMs: 5_000, lockTimeoutMs: 5_000 },
  ...{ idleInTransactionTimeoutMs: 5_000, onIdleError: () => undefined },
};

const at = openedLots();

/** What is left of each, and reserved. */
function lotsOf(body: { lots: { lotId: string; remaining: string; reserved: string }[] }): string[][] {
  return body.lots.map(({ lotId, remaining, reserved }) => [lotId, remaining, reserved]);
}

const { left, lot, lots } = at;

test('a dry run shows the lots that would be spent, and takes nothing', async () => {
  const lotId = await lot('30');
  const reply = await at.service.post('/transactions/spend?dryRun=true', { ...at.holder, amount: '40' });
  assert.equal(reply.status, 200, reply.text);
  assert.deepEqual(reply.body.entries[0].lots, [{ lotId, amount: '30' }]);
  assert.deepEqual(await left(lotId), ['30']);
  const given = await at.service.post('/transactions/bonus?dryRun=true', {
    ...at.holder,
    amount: '4',
    expiresInDays: 3,
  });
  assert.equal(given.status, 200, given.text);
  assert.equal(given.body.transactionId, null);
});

test('a hold, its captures and its release say which lots they are about, beforehand too', async () => {
  const [first, second] = [await lot('10', { expiresInDays: 10 }), await lot('30', { expiresInDays: 20 })];
  const { body: listed } = await lots();
  const ends = new Map(listed.data.map((each: Record<string, string>) => [each['lotId'], each['expiresAt']]));
  const shown = (...parts: [string, string][]) =>
    parts.map(([lotId, amount]) => ({ lotId, amount, expiresAt: ends.get(lotId) }));
  const both = async (path: string, body: object, key: string) => {
    const { body: tried } = await at.service.post(`${path}?dryRun=true`, body);
    const { body: done, text } = await at.service.post(path, body, key);
    for (const name of ['lots', 'consumed', 'freed']) assert.deepEqual(tried[name], done[name], name);
    assert.equal((await at.service.post(path, body, key)).text, text, 'a replay has the same bytes');
    return done;
  };
  const held = await both('/holds', { ...at.holder, amount: '60' }, `${first}-1`);
  assert.deepEqual(held.lots, shown([first, '10'], [second, '30']));
  const capture = `/holds/${held.holdId}/capture`;
  const captured = await both(capture, { amount: '15', final: false }, `${first}-2`);
  assert.deepEqual(captured.consumed, shown([first, '10'], [second, '5']));
  assert.deepEqual([captured.lots, captured.freed], [shown([second, '25']), undefined]);
  const { body: got } = await at.service.get(`/holds/${held.holdId}?atLeast=${captured.position}`);
  assert.deepEqual(got.lots, captured.lots);
  const final = await both(capture, { amount: '5' }, `${first}-3`);
  assert.deepEqual([final.consumed, final.freed], [shown([second, '5']), shown([second, '20'])]);
  const again = await both('/holds', { ...at.holder, amount: '25' }, `${first}-4`);
  const released = await both(`/holds/${again.holdId}/release`, {}, `${first}-5`);
  assert.deepEqual([released.lots, released.freed], [undefined, shown([second, '20'])]);
  const page = await at.service.get(`/holds?userId=${at.holder.userId}&atLeast=${released.position}`);
  for (const hold of page.body.data)
    assert.equal('lots' in hold, false, 'of what is closed nothing is reserved');
});

test('lots are listed in pages, and those of no wallet are a 404', async () => {
  const ids = [await lot('1'), await lot('2'), await lot('3')];
  const first = await lots('&limit=2');
  assert.deepEqual(
    first.body.data.map((each: { lotId: string }) => each.lotId),
    [ids[2], ids[1]],
  );
  const second = await lots(`&limit=2&cursor=${first.body.nextCursor}`);
  assert.deepEqual(
    second.body.data.map((each: { lotId: string }) => each.lotId),
    [ids[0]],
  );
  assert.equal(second.body.nextCursor, null);
  const nowhere = '/wallets/01998a6e-7c00-7abc-8000-00000000dead/lots';
  expectProblem(await at.service.get(nowhere), 'wallet_not_found', nowhere);
  expectInvalid(
    await at.service.get(`/wallets/${at.walletId}/lots?open=maybe`),
    `/wallets/${at.walletId}/lots`,
    ['open'],
  );
});

test('a wallet is explained with its lots, now and then', async () => {
  const lotId = await lot('30');
  const { body: spent } = await spend(at.service, at.holder, '12');
  await spend(at.service, at.holder, '8');
  const path = `/wallets/${at.walletId}/explain`;
  const leftOf = (reply: Reply): string[][] =>
    reply.body.lots.map((each: { lotId: string; amount: string; remaining: string }) => [
      ...[each.lotId, each.amount, each.remaining],
    ]);
  assert.deepEqual(leftOf(await at.service.get(path)), [[lotId, '30', '10']]);
  assert.deepEqual(leftOf(await at.service.get(`${path}?asOf=${spent.position}`)), [[lotId, '30', '18']]);
  assert.deepEqual(leftOf(await at.service.get(`${path}?asOf=1`)), []);
});

test('an explanation says what holds reserve of each lot, and the past is told as it was then', async () => {
  const [first, second] = [await lot('10', { expiresInDays: 10 }), await lot('30', { expiresInDays: 20 })];
  const { body: hold } = await at.service.post('/holds', { ...at.holder, amount: '25' });
  const capture = { amount: '12', final: false };
  const { body: captured } = await at.service.post(`/holds/${hold.holdId}/capture`, capture);
  const { body: released } = await at.service.post(`/holds/${hold.holdId}/release`, {});
  const path = `/wallets/${at.walletId}/explain`;
  const explained: [string, string[][]][] = [
    [
      hold.position,
      [
        [first, '10', '10'],
        [second, '30', '15'],
      ],
    ],
    [captured.position, [[second, '28', '13']]],
    [released.position, [[second, '28', '0']]],
  ];
  for (const [position, expected] of explained) {
    const { body } = await at.service.get(`${path}?asOf=${position}`);
    assert.deepEqual(lotsOf(body), expected, position);
  }
  // The same from the log as from what decisions see.
  const { body: now } = await at.service.get(path);
  await topUp(at.service, await newHolder(at.service), '1');
  const { body: then } = await at.service.get(`${path}?asOf=${now.position}`);
  assert.deepEqual(then, now);
});

test('of a long history the newest lines are explained, from the balance before them', async () => {
  await spend(at.service, at.holder, '1');
  const lotId = await lot('30');
  await spend(at.service, at.holder, '5');
  const { body: last } = await topUp(at.service, at.holder, '7');
  const asked = { walletId: at.walletId, asOf: BigInt(last.position), atHead: true };
  const pool = createPool({ ...poolOptions, url: at.database.url });
  try {
    const explain = (more: object) =>
      // oxlint-disable-next-line typescript/no-explicit-any -- a body
      inSnapshot(pool, (tx) => explainWallet(tx, 1, { ...asked, ...more }) as Promise<any>);
    const { opening, since, movements, balance, lots } = await explain({ maxLines: 2 });
    assert.deepEqual(
      movements.map(({ type, credits, debits }: Record<string, string>) => [type, credits, debits]),
      [
        ['spend', '0', '5'],
        ['topup', '7', '0'],
      ],
    );
    assert.deepEqual([opening, balance], ['129', '131']);
    assert.equal(since, (BigInt(last.position) - 1n).toString());
    assert.deepEqual(lotsOf({ lots }), [[lotId, '25', '0']], 'what decisions see is whole');
    const past = await explain({ maxLines: 2, atHead: false });
    assert.deepEqual(past.lots, [], 'the bonus was before these lines');
    const whole = await explain({ maxLines: 5 });
    assert.deepEqual([whole.opening, whole.since, whole.movements.length], ['0', undefined, 3]);
  } finally {
    await pool.end();
  }
});
