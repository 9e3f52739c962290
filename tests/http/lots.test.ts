/** Bonuses that expire: spent before anything else, kept by holds, given back by reversals, and gone when their time is over. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { assertLedgerIsSound, headPosition } from '../support/ledger-facts.ts';
import { startService, type Reply, type Service } from '../support/service.ts';
import { until } from '../support/until.ts';
import { expectInvalid, expectProblem } from './expect-problem.ts';
import { giveBonus, newHolder, spend, topUp, transfer, type Holder, type More } from './payments.ts';

const SOON_MS = 700;

let database: TestDatabase;
let service: Service;
let owner: pg.Client;
let holder: Holder;
let walletId: string;

before(async () => {
  database = await createTestDatabase();
  service = await startService(database);
  owner = await database.connect();
});

beforeEach(async () => {
  holder = await newHolder(service);
  walletId = String((await topUp(service, holder, '100')).body.entries[1].walletId);
});

after(async () => {
  await assertLedgerIsSound(owner);
  await owner.end();
  await service.close();
  await database.drop();
});

function inMs(ms: number): string {
  return new Date(Date.now() + ms).toISOString();
}

async function lot(amount: string, more: More = { expiresInDays: 30 }): Promise<string> {
  const reply = await giveBonus(service, holder, amount, more);
  assert.equal(reply.status, 201, reply.text);
  return String(reply.body.transactionId);
}

async function lots(query = ''): Promise<Reply> {
  const head = await headPosition(owner);
  return service.get(`/wallets/${walletId}/lots?atLeast=${head}${query}`);
}

/** What is left of each, in the order in which they were given. */
async function left(...ids: string[]): Promise<string[]> {
  const { body } = await lots();
  const byId = new Map<string, string>(
    body.data.map((each: { lotId: string; remaining: string }) => [each.lotId, each.remaining]),
  );
  return ids.map((id) => byId.get(id) ?? 'none');
}

async function balance(query = '?consistency=strong'): Promise<Reply> {
  return service.get(`/wallets/${holder.userId}/${holder.assetSlug}/balance${query}`);
}

async function expectBalance(expected: string, held = '0'): Promise<void> {
  const { body } = await balance();
  assert.deepEqual([body.balance, body.held], [expected, held]);
}

async function untilExpired(lotId: string): Promise<Reply> {
  let found: Reply | undefined;
  await until('the lot has expired', async () => {
    found = await service.get(`/transactions?userId=${holder.userId}&type=expiry`);
    return found.body.data.some((each: { expires: string }) => each.expires === lotId);
  });
  return found!;
}

test('a bonus with an end says so, and is part of the balance', async () => {
  const expiresAt = inMs(86_400_000);
  const reply = await giveBonus(service, holder, '30', { expiresAt });
  assert.equal(reply.status, 201, reply.text);
  const { transactionId: lotId, position, entries } = reply.body;
  assert.equal(reply.body.expiresAt, expiresAt);
  assert.deepEqual(entries[1].lots, [{ lotId, amount: '30' }]);
  const strong = await balance();
  assert.equal(strong.body.balance, '130');
  assert.deepEqual(strong.body.expiring, [{ amount: '30', at: expiresAt }]);
  const projected = await balance(`?atLeast=${position}`);
  assert.deepEqual(projected.body, { ...strong.body, position: projected.body.position });
  assert.equal('expiring' in (await balance(`?asOf=${position}`)).body, false);
  const { data } = (await lots()).body;
  assert.deepEqual(data, [
    {
      ...{ lotId, walletId, amount: '30', remaining: '30', reserved: '0', spent: '0', expired: '0' },
      ...{ status: 'open', expiresAt },
    },
  ]);
});

test('days count from the decision', async () => {
  const { body } = await giveBonus(service, holder, '1', { expiresInDays: 2 });
  const { data } = (await service.get(`/events?after=${BigInt(body.position) - 1n}&limit=1`)).body;
  assert.equal(Date.parse(body.expiresAt), Date.parse(data[0].occurredAt) + 2 * 86_400_000);
});

test('a plain balance and a plain bonus expire never', async () => {
  const reply = await giveBonus(service, holder, '5');
  assert.equal('expiresAt' in reply.body, false);
  assert.deepEqual((await balance()).body.expiring, []);
  assert.deepEqual((await lots()).body.data, []);
});

test('spending takes what ends first, and plain balance last', async () => {
  const late = await lot('10', { expiresInDays: 20 });
  const early = await lot('10', { expiresInDays: 10 });
  const first = await spend(service, holder, '15');
  assert.deepEqual(first.body.entries[0].lots, [
    { lotId: early, amount: '10' },
    { lotId: late, amount: '5' },
  ]);
  const second = await spend(service, holder, '15');
  assert.deepEqual(second.body.entries[0].lots, [{ lotId: late, amount: '5' }]);
  assert.equal('lots' in (await spend(service, holder, '15')).body.entries[0], false);
  assert.deepEqual(await left(late, early), ['0', '0']);
  assert.deepEqual(
    (await lots('&open=false')).body.data.map((each: { status: string; spent: string }) => [
      each.status,
      each.spent,
    ]),
    [
      ['spent', '10'],
      ['spent', '10'],
    ],
  );
  await expectBalance('75');
});

test('several postings see what those before them have taken', async () => {
  const lotId = await lot('10');
  const posting = { from: { userId: holder.userId }, to: { system: 'revenue' }, assetSlug: holder.assetSlug };
  const postings = ['6', '6'].map((amount) => ({ ...posting, amount }));
  const { body, status, text } = await service.post('/transactions', { postings });
  assert.equal(status, 201, text);
  assert.deepEqual(body.entries[0].lots, [{ lotId, amount: '6' }]);
  assert.deepEqual(body.entries[2].lots, [{ lotId, amount: '4' }]);
});

test('what is transferred is plain to who receives it', async () => {
  const lotId = await lot('10');
  const to = await newHolder(service, holder.assetSlug);
  const reply = await transfer(service, { from: holder, to }, '8');
  assert.deepEqual(reply.body.entries[0].lots, [{ lotId, amount: '8' }]);
  assert.equal('lots' in reply.body.entries[1], false);
  assert.deepEqual(await left(lotId), ['2']);
});

test('what is left at the end goes back to the treasury, within 3 s', async () => {
  const expiresAt = inMs(SOON_MS);
  const lotId = await lot('30', { expiresAt });
  await spend(service, holder, '10');
  const { body } = await untilExpired(lotId);
  const [expiry] = body.data;
  assert.equal(expiry.amount, '20');
  assert.equal(expiry.balanceAfter, '100');
  const late = Date.parse(expiry.recordedAt) - Date.parse(expiresAt);
  assert.ok(late >= 0 && late < 3_000, `${late} ms late`);
  await expectBalance('100');
  const [ended] = (await lots()).body.data;
  assert.deepEqual([ended.status, ended.spent, ended.expired], ['expired', '10', '20']);
  const again = await service.post(`/transactions/${expiry.transactionId}/reverse`, {});
  expectProblem(again, 'not_reversible', `/transactions/${expiry.transactionId}/reverse`);
});

test('a hold keeps what it reserves of a lot until it ends', async () => {
  const expiresAt = inMs(SOON_MS);
  const lotId = await lot('30', { expiresAt });
  const { body: hold } = await service.post('/holds', { ...holder, amount: '20' });
  const { body: expired } = await untilExpired(lotId);
  assert.equal(expired.data[0].amount, '10');
  assert.deepEqual(await left(lotId), ['20']);
  await expectBalance('120', '20');
  const captured = await service.post(`/holds/${hold.holdId}/capture`, { amount: '15' });
  assert.equal(captured.status, 201, captured.text);
  const { body: paid } = await service.get(`/transactions/${captured.body.transactionId}`);
  assert.deepEqual(paid.entries[0].lots, [{ lotId, amount: '15' }]);
  await until('the rest has expired', async () => (await left(lotId))[0] === '0');
  await expectBalance('100');
  const [ended] = (await lots()).body.data;
  assert.deepEqual([ended.spent, ended.expired], ['15', '15']);
});

test('a released hold leaves the lot as it was', async () => {
  const lotId = await lot('30');
  const { body: hold } = await service.post('/holds', { ...holder, amount: '120' });
  assert.deepEqual((await lots()).body.data[0].reserved, '30');
  expectProblem(await spend(service, holder, '11'), 'insufficient_funds', '/transactions/spend');
  assert.equal((await service.post(`/holds/${hold.holdId}/release`, {})).status, 201);
  assert.deepEqual(await left(lotId), ['30']);
  assert.deepEqual((await lots()).body.data[0].reserved, '0');
  const { body } = await spend(service, holder, '35');
  assert.deepEqual(body.entries[0].lots, [{ lotId, amount: '30' }]);
});

test('a partial capture takes from the lots first, and the rest of the hold keeps the rest of them', async () => {
  const lotId = await lot('30');
  const { body: hold } = await service.post('/holds', { ...holder, amount: '50' });
  await service.post(`/holds/${hold.holdId}/capture`, { amount: '20', final: false });
  assert.deepEqual(
    (await lots()).body.data.map((each: { remaining: string; reserved: string }) => [
      each.remaining,
      each.reserved,
    ]),
    [['10', '10']],
  );
  await service.post(`/holds/${hold.holdId}/capture`, { amount: '20', final: false });
  assert.deepEqual(await left(lotId), ['0']);
  await service.post(`/holds/${hold.holdId}/release`, {});
  await expectBalance('90');
});

test('a reversal gives back to the lot, what was spent last first', async () => {
  const lotId = await lot('30');
  const { body } = await spend(service, holder, '50');
  const path = `/transactions/${body.transactionId}/reverse`;
  const first = await service.post(path, { amount: '25' });
  assert.deepEqual(first.body.entries[1].lots, [{ lotId, amount: '5' }]);
  const second = await service.post(path, {});
  assert.deepEqual(second.body.entries[1].lots, [{ lotId, amount: '25' }]);
  assert.deepEqual(await left(lotId), ['30']);
  await expectBalance('130');
});

test('what comes back to a lot that is over expires at once', async () => {
  const lotId = await lot('30', { expiresAt: inMs(SOON_MS) });
  const { body } = await spend(service, holder, '30');
  await until('its time is over', () => Date.now() > Date.parse(body.recordedAt) + SOON_MS + 50);
  const reply = await service.post(`/transactions/${body.transactionId}/reverse`, {});
  assert.equal(reply.status, 201, reply.text);
  assert.deepEqual(reply.body.entries[1].lots, [{ lotId, amount: '30' }]);
  await untilExpired(lotId);
  await expectBalance('100');
});

test('the reversal of a bonus takes from its own lot', async () => {
  const early = await lot('30', { expiresInDays: 10 });
  const late = await lot('30', { expiresInDays: 20 });
  const { body } = await service.post(`/transactions/${late}/reverse`, { amount: '20' });
  assert.deepEqual(body.entries[0].lots, [{ lotId: late, amount: '20' }]);
  assert.deepEqual(await left(early, late), ['30', '10']);
});

test('a bonus can be reversed as far as it is in its lot and held by nobody', async () => {
  const lotId = await lot('30');
  const { body: hold } = await service.post('/holds', { ...holder, amount: '20' });
  const path = `/transactions/${lotId}/reverse`;
  const refused = await service.post(path, { amount: '11', force: true });
  expectProblem(refused, 'reversal_exceeds_original', path);
  assert.equal(refused.body.remaining, '10');
  const { body } = await service.post(path, {});
  assert.deepEqual(body.entries[0].lots, [{ lotId, amount: '10' }]);
  await service.post(`/holds/${hold.holdId}/release`, {});
  assert.deepEqual(await left(lotId), ['20']);
  await expectBalance('120');
});

test('what was taken back of a bonus is never taken a second time when it expires', async () => {
  const lotId = await lot('30', { expiresAt: inMs(SOON_MS) });
  const { body: spent } = await spend(service, holder, '30');
  const path = `/transactions/${lotId}/reverse`;
  expectProblem(await service.post(path, {}), 'reversal_exceeds_original', path);
  await service.post(`/transactions/${spent.transactionId}/reverse`, {});
  await untilExpired(lotId);
  await expectBalance('100');
});

test('a reversal that would open too many lots is refused, by force too', async () => {
  const give = () =>
    Array.from({ length: 500 }, () => ({
      ...{ idempotencyKey: crypto.randomUUID(), type: 'bonus', ...holder, amount: '1', expiresInDays: 3 },
    }));
  await service.post('/transactions/batch', { commands: give() }, '');
  const { body: spent } = await spend(service, holder, '500');
  await service.post('/transactions/batch', { commands: give() }, '');
  const path = `/transactions/${spent.transactionId}/reverse`;
  const reply = await service.post(path, { force: true });
  expectProblem(reply, 'too_many_lots', path);
  assert.deepEqual([reply.body.lots, reply.body.limit], ['1000', '500']);
  const again = await service.post('/transactions/bonus', { ...holder, amount: '1', expiresInDays: 3 });
  expectProblem(again, 'too_many_lots', '/transactions/bonus');
});

test('a user with a lot is not erased, though a debt hides it', async () => {
  const fresh = await newHolder(service);
  const { body: topped } = await topUp(service, fresh, '1');
  const wallet = topped.entries[1].walletId;
  await service.post(`/wallets/${wallet}/overdraft`, { limit: '50' });
  await spend(service, fresh, '51');
  await giveBonus(service, fresh, '50', { expiresInDays: 3 });
  const path = `/users/${fresh.userId}/erase`;
  const reply = await service.post(path, {});
  expectProblem(reply, 'user_not_empty', path);
  assert.deepEqual(reply.body.balances, ['0']);
});

test('no more than 38 digits are held, which a dry run says too', async () => {
  const most = '9'.repeat(38);
  const fresh = await newHolder(service);
  const { body: topped } = await topUp(service, fresh, most);
  await service.post(`/wallets/${topped.entries[1].walletId}/overdraft`, { limit: most });
  assert.equal((await service.post('/holds', { ...fresh, amount: most })).status, 201);
  const dry = await service.post('/holds?dryRun=true', { ...fresh, amount: '1' });
  assert.equal(dry.status, 422, dry.text);
  expectProblem(await service.post('/holds', { ...fresh, amount: '1' }), 'balance_out_of_range', '/holds');
});

test('of a bonus that expired nothing is left to take back', async () => {
  const lotId = await lot('30', { expiresAt: inMs(SOON_MS) });
  await spend(service, holder, '10');
  await untilExpired(lotId);
  const path = `/transactions/${lotId}/reverse`;
  const reply = await service.post(path, { amount: '11' });
  expectProblem(reply, 'reversal_exceeds_original', path);
  assert.equal(reply.body.remaining, '0');
});

test('force takes lots as well, and no lot is ever below nothing', async () => {
  const topUpId = (await topUp(service, holder, '50')).body.transactionId;
  const lotId = await lot('30');
  await spend(service, holder, '20');
  const { body: hold } = await service.post('/holds', { ...holder, amount: '150' });
  const reply = await service.post(`/transactions/${topUpId}/reverse`, { force: true });
  assert.equal(reply.status, 201, reply.text);
  // All of the lot is reserved: what is taken is plain.
  assert.equal('lots' in reply.body.entries[0], false);
  await service.post(`/holds/${hold.holdId}/release`, {});
  assert.deepEqual(await left(lotId), ['10']);
});

test('a dry run shows the lots that would be spent, and takes nothing', async () => {
  const lotId = await lot('30');
  const reply = await service.post('/transactions/spend?dryRun=true', { ...holder, amount: '40' });
  assert.equal(reply.status, 200, reply.text);
  assert.deepEqual(reply.body.entries[0].lots, [{ lotId, amount: '30' }]);
  assert.deepEqual(await left(lotId), ['30']);
  const given = await service.post('/transactions/bonus?dryRun=true', {
    ...holder,
    amount: '4',
    expiresInDays: 3,
  });
  assert.equal(given.status, 200, given.text);
  assert.equal(given.body.transactionId, null);
});

test('the same key gives the same bytes, and another end is another request', async () => {
  const key = crypto.randomUUID();
  const first = await giveBonus(service, holder, '5', { key, expiresInDays: 3 });
  const again = await giveBonus(service, holder, '5', { key, expiresInDays: 3 });
  assert.equal(again.text, first.text);
  assert.equal(again.headers['idempotent-replayed'], 'true');
  const other = await giveBonus(service, holder, '5', { key, expiresInDays: 4 });
  expectProblem(other, 'idempotency_key_reused', '/transactions/bonus');
  assert.deepEqual(other.body.differs, ['expiresInDays']);
});

test('an end that is past, far, said twice or no time is a 400, and gives nothing', async () => {
  const path = '/transactions/bonus';
  const ask = (more: More) => giveBonus(service, holder, '5', more);
  const head = await headPosition(owner);
  expectInvalid(await ask({ expiresAt: inMs(-1_000) }), path, ['expiresAt']);
  expectInvalid(await ask({ expiresAt: inMs(3_661 * 86_400_000) }), path, ['expiresAt']);
  expectInvalid(await ask({ expiresAt: 'tomorrow' }), path, ['expiresAt']);
  expectInvalid(await ask({ expiresAt: 1_900_000_000 }), path, ['expiresAt']);
  expectInvalid(await ask({ expiresInDays: 0 }), path, ['expiresInDays']);
  expectInvalid(await ask({ expiresInDays: 3_661 }), path, ['expiresInDays']);
  expectInvalid(await ask({ expiresInDays: '3' }), path, ['expiresInDays']);
  expectInvalid(await ask({ expiresInDays: 3, expiresAt: inMs(86_400_000) }), path, ['expiresInDays']);
  const topped = await topUp(service, holder, '5', { expiresInDays: 3 });
  expectInvalid(topped, '/transactions/topup', ['expiresInDays']);
  assert.equal(await headPosition(owner), head);
});

test('a batch gives and spends lots in its order', async () => {
  const commands = [
    { idempotencyKey: crypto.randomUUID(), type: 'bonus', ...holder, amount: '30', expiresInDays: 3 },
    { idempotencyKey: crypto.randomUUID(), type: 'spend', ...holder, amount: '40' },
  ];
  const { body } = await service.post('/transactions/batch', { commands, atomic: true }, '');
  const [given, spent] = body.results;
  assert.deepEqual([given.status, spent.status], [201, 201]);
  assert.deepEqual(spent.body.entries[0].lots, [{ lotId: given.body.transactionId, amount: '30' }]);
});

test('a wallet has a bounded number of open lots', async () => {
  const commands = Array.from({ length: 501 }, () => ({
    ...{ idempotencyKey: crypto.randomUUID(), type: 'bonus', ...holder, amount: '1', expiresInDays: 3 },
  }));
  const { body } = await service.post('/transactions/batch', { commands }, '');
  assert.deepEqual(
    body.results.slice(-2).map((result: { status: number }) => result.status),
    [201, 422],
  );
  assert.equal(body.results.at(-1).body.code, 'too_many_lots');
  const spent = await spend(service, holder, '600');
  assert.equal(spent.status, 201, spent.text);
  assert.equal(spent.body.entries[0].lots.length, 500);
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
  expectProblem(await service.get(nowhere), 'wallet_not_found', nowhere);
  expectInvalid(await service.get(`/wallets/${walletId}/lots?open=maybe`), `/wallets/${walletId}/lots`, [
    'open',
  ]);
});

test('a wallet is explained with its lots, now and then', async () => {
  const lotId = await lot('30');
  const { body: spent } = await spend(service, holder, '12');
  await spend(service, holder, '8');
  const path = `/wallets/${walletId}/explain`;
  const leftOf = (reply: Reply): string[][] =>
    reply.body.lots.map((each: { lotId: string; amount: string; remaining: string }) => [
      ...[each.lotId, each.amount, each.remaining],
    ]);
  assert.deepEqual(leftOf(await service.get(path)), [[lotId, '30', '10']]);
  assert.deepEqual(leftOf(await service.get(`${path}?asOf=${spent.position}`)), [[lotId, '30', '18']]);
  assert.deepEqual(leftOf(await service.get(`${path}?asOf=1`)), []);
});
