/** POST /transactions: several postings at once, over users and system accounts, in several assets. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { assertLedgerIsSound, balanceOf, headPosition } from '../support/ledger-facts.ts';
import { startService, unique, type Reply, type Service } from '../support/service.ts';
import { expectInvalid, expectProblem } from './expect-problem.ts';
import { newHolder, topUp, type Holder } from './payments.ts';

const PATH = '/transactions';

let database: TestDatabase;
let service: Service;
let owner: pg.Client;
let payer: Holder;
let payee: Holder;

before(async () => {
  database = await createTestDatabase();
  service = await startService(database);
  owner = await database.connect();
  payer = await newHolder(service);
  payee = await newHolder(service, payer.assetSlug);
  await topUp(service, payer, '1000');
});

after(async () => {
  await assertLedgerIsSound(owner);
  await owner.end();
  await service.close();
  await database.drop();
});

const userOf = (holder: Holder) => ({ userId: holder.userId });
const system = (name: string) => ({ system: name });

function posting(from: object, to: object, amount: string, assetSlug = payer.assetSlug) {
  return { from, to, assetSlug, amount };
}

function post(postings: unknown[], more: object = {}): Promise<Reply> {
  return service.post(PATH, { postings, ...more });
}

test('postings are done in their order, each with what those before it left, and answered one by one', async () => {
  const revenue = unique('revenue');
  const reply = await post(
    [
      posting(userOf(payer), system(revenue), '95'),
      posting(system(revenue), userOf(payee), '95'),
      posting(userOf(payee), system('treasury'), '5'),
    ],
    { type: 'purchase', reference: 'order-1', metadata: { b: '2', a: '1' } },
  );
  assert.equal(reply.status, 201, reply.text);
  const { asset, userId, amount, balanceAfter, type, entries, reference, metadata } = reply.body;
  assert.deepEqual(
    [asset, userId, amount, balanceAfter, type, reference],
    [null, null, null, null, 'purchase', 'order-1'],
  );
  assert.deepEqual(metadata, { a: '1', b: '2' });
  assert.deepEqual(
    entries.map((entry: Record<string, string>) => [
      entry['direction'],
      entry['amount'],
      entry['asset'],
      entry['balanceAfter'],
    ]),
    [
      ['DEBIT', '95', payer.assetSlug, '905'],
      ['CREDIT', '95', payer.assetSlug, '95'],
      ['DEBIT', '95', payer.assetSlug, '0'],
      ['CREDIT', '95', payer.assetSlug, '95'],
      ['DEBIT', '5', payer.assetSlug, '90'],
      ['CREDIT', '5', payer.assetSlug, '-995'],
    ],
  );
  const wallets = await service.get(`/wallets?system=${revenue}&atLeast=${reply.body.position}`);
  assert.deepEqual(
    wallets.body.data.map((wallet: Record<string, unknown>) => [
      wallet['system'],
      wallet['userId'],
      wallet['balance'],
    ]),
    [[revenue, null, '0']],
  );
  const found = await service.get(`/transactions?type=purchase&atLeast=${reply.body.position}`);
  assert.deepEqual(found.body.data[0], reply.body);
});

test('a single posting is no other kind of answer', async () => {
  const { body } = await post([posting(userOf(payer), userOf(payee), '1')]);
  assert.deepEqual([body.type, body.asset, body.amount, body.balanceAfter], ['postings', null, null, null]);
  assert.equal(body.entries[0].asset, payer.assetSlug);
});

test('several assets balance each for itself', async () => {
  const other = await newHolder(service);
  await topUp(service, other, '50');
  const reply = await post([
    posting(userOf(payer), userOf(other), '10'),
    posting(userOf(other), userOf(payer), '50', other.assetSlug),
  ]);
  assert.equal(reply.status, 201, reply.text);
  assert.equal(await balanceOf(owner, payer.userId, other.assetSlug), '50');
  assert.equal(await balanceOf(owner, other.userId, payer.assetSlug), '10');
});

test('one posting that cannot be paid declines all of them, and the refusal is remembered', async () => {
  const before = await balanceOf(owner, payer.userId, payer.assetSlug);
  const fees = unique('fees');
  const postings = [posting(userOf(payer), system(fees), '10'), posting(system(fees), userOf(payee), '11')];
  const key = unique('key');
  const declined = await service.post(PATH, { postings }, key);
  expectProblem(declined, 'insufficient_funds', PATH);
  assert.deepEqual(
    [declined.body.available, declined.body.required, declined.body.system],
    ['10', '11', fees],
  );
  assert.equal(await balanceOf(owner, payer.userId, payer.assetSlug), before);
  const again = await service.post(PATH, { postings }, key);
  assert.equal(again.text, declined.text);
  assert.equal(again.headers['idempotent-replayed'], 'true');
  const shown = await service.get(`/transactions/${declined.body.transactionId}`);
  assert.equal(shown.body.status, 'rejected');
  assert.deepEqual(shown.body.rejection.figures, { available: '10', required: '11', system: fees });
  const remembered = await service.get(`/idempotency-keys/${key}`);
  assert.deepEqual(remembered.body.outcome, declined.body);
});

test('only the treasury may go below zero', async () => {
  const name = unique('promotions');
  expectProblem(await post([posting(system(name), userOf(payee), '1')]), 'insufficient_funds', PATH);
  const funded = await post([
    posting(system('treasury'), system(name), '5'),
    posting(system(name), userOf(payee), '5'),
  ]);
  assert.equal(funded.status, 201, funded.text);
});

test('a ban, a freeze and a cap hold for every posting', async () => {
  const capped = unique('capped');
  await service.post('/assets', { slug: capped, supplyCap: '10' });
  const tooMany = [
    posting(system('treasury'), userOf(payee), '6', capped),
    posting(system('treasury'), userOf(payer), '5', capped),
  ];
  expectProblem(await post(tooMany), 'supply_cap_exceeded', PATH);
  await service.post(`/users/${payee.userId}/status`, { status: 'BANNED' });
  const toBanned = [posting(userOf(payer), system('fees'), '1'), posting(userOf(payer), userOf(payee), '1')];
  expectProblem(await post(toBanned), 'user_banned', PATH);
  await service.post(`/users/${payee.userId}/status`, { status: 'ACTIVE' });
  assert.equal((await post(toBanned)).status, 201);
});

test('who was forced below zero pays nothing on with what only fills the hole', async () => {
  const debtor = await newHolder(service, payer.assetSlug);
  const topped = await topUp(service, debtor, '10');
  await service.post('/transactions/spend', { ...debtor, amount: '10' });
  await service.post(`/transactions/${topped.body.transactionId}/reverse`, { force: true });
  const through = (amount: string) =>
    post([posting(system('treasury'), userOf(debtor), amount), posting(userOf(debtor), userOf(payee), '10')]);
  const declined = await through('10');
  expectProblem(declined, 'insufficient_funds', PATH);
  assert.deepEqual([declined.body.available, declined.body.required], ['0', '10']);
  assert.equal((await through('20')).status, 201);
});

test('an answer is the same however the id in the path is spelled', async () => {
  const { body: hold } = await service.post('/holds', {
    userId: payer.userId,
    assetSlug: payer.assetSlug,
    amount: '1',
  });
  const key = unique('key');
  const loud = await service.post(`/holds/${hold.holdId.toUpperCase()}/capture`, { amount: '2' }, key);
  const quiet = await service.post(`/holds/${hold.holdId}/capture`, { amount: '2' }, key);
  assert.deepEqual([quiet.text, quiet.headers['idempotent-replayed']], [loud.text, 'true']);
  assert.deepEqual((await service.get(`/idempotency-keys/${key}`)).body.outcome, loud.body);
});

test('another payee under the same key is told by name', async () => {
  const key = unique('key');
  const to = (name: string) => ({ postings: [posting(userOf(payer), system(name), '1')] });
  await service.post(PATH, to('a'), key);
  const other = await service.post(PATH, to('b'), key);
  assert.deepEqual([other.status, other.body.differs], [422, ['postings']]);
});

test('what cannot be meant is a 400 or a 404, and changes nothing', async () => {
  const head = await headPosition(owner);
  const ok = posting(userOf(payer), userOf(payee), '1');
  const invalid: [unknown[], object, string[]][] = [
    [[], {}, ['postings']],
    [Array.from({ length: 101 }, () => ok), {}, ['postings']],
    [[posting(userOf(payer), userOf(payer), '1')], {}, ['postings.0.to']],
    [[posting(system('fees'), system('fees'), '1')], {}, ['postings.0.to']],
    [[{ ...ok, amount: '0' }], {}, ['postings.0.amount']],
    [[{ ...ok, amount: 5 }], {}, ['postings.0.amount']],
    [[ok, { ...ok, colour: 'red' }], {}, ['postings.1.colour']],
    [[ok], { type: 'topup' }, ['type']],
    [[ok], { type: 'Not A Name' }, ['type']],
    [[ok], { asset: 'x' }, ['asset']],
  ];
  for (const [postings, more, paths] of invalid) expectInvalid(await post(postings, more), PATH, paths);
  for (const name of ['Fees', '9lives', '', 'x'.repeat(33), 'with space', 'tür']) {
    const reply = await post([posting(userOf(payer), system(name), '1')]);
    assert.equal(reply.body.code, 'validation_failed', name);
  }
  const both = { userId: payer.userId, system: 'fees' };
  assert.equal((await post([posting(both, userOf(payee), '1')])).body.code, 'validation_failed');
  const nobody = { userId: '01998a6e-7c00-7abc-8000-00000000dead' };
  expectProblem(await post([ok, posting(userOf(payer), nobody, '1')]), 'user_not_found', PATH);
  expectProblem(
    await post([ok, posting(userOf(payer), userOf(payee), '1', 'nope')]),
    'asset_not_found',
    PATH,
  );
  assert.equal(await headPosition(owner), head);
});

test('a hundred postings are one transaction', async () => {
  const reply = await post(Array.from({ length: 100 }, () => posting(userOf(payer), userOf(payee), '1')));
  assert.equal(reply.status, 201, reply.text);
  assert.equal(reply.body.entries.length, 200);
});
