/** A tour through every route: each answer is held to the schema that the OpenAPI document gives for it. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { unique, type Service } from '../support/service.ts';
import { until } from '../support/until.ts';
import { openContract, pointerTo, type Contract } from './contract.ts';
import { newHolder, spend, swapOf, topUp, transfer } from './payments.ts';

const NOBODY = '01998a6e-7c00-7000-8000-00000000dead';

let contract: Contract;
let service: Service;
let expectContract: Contract['expectContract'];

before(async () => {
  contract = await openContract();
  ({ service, expectContract } = contract);
});

after(() => contract.close());

test('every write answers what the document says', async () => {
  const post = async (
    template: string,
    body: Record<string, unknown>,
    parameters: Record<string, string> = {},
  ) => {
    const path = template.replaceAll(/\{(\w+)\}/g, (_, name: string) => parameters[name] ?? '');
    const reply = await service.post(path, body);
    expectContract('post', template, reply, 201);
    return reply.body;
  };
  const slug = unique('contract');
  await post('/assets', { slug, name: 'Contract', scale: 2, supplyCap: '1000' });
  const one = await post('/users', { email: `${unique('one')}@example.com` });
  const other = await post('/users', { email: `${unique('other')}@example.com` });
  const money = { userId: one.id, assetSlug: slug, amount: '10' };
  const { entries } = await post('/transactions/topup', { ...money, reference: 'r', metadata: { a: 'b' } });
  await post('/transactions/bonus', money);
  await post('/transactions/spend', money);
  await post('/transactions/transfer', {
    fromUserId: one.id,
    toUserId: other.id,
    assetSlug: slug,
    amount: '1',
  });
  const swap = await swapOf(service, { userId: one.id, assetSlug: slug });
  await post('/transactions/exchange', { ...swap, amount: '1', rate: '2', metadata: { a: 'b' } });
  const parties = { from: { userId: one.id }, to: { system: 'revenue' } };
  const postings = [{ ...parties, assetSlug: slug, amount: '2' }];
  const posted = await post('/transactions', { postings, type: 'purchase', metadata: { a: 'b' } });
  await post('/transactions/{id}/reverse', { reason: 'returned' }, { id: posted.transactionId });
  for (const ending of ['capture', 'release']) {
    const held = await post('/holds', { userId: one.id, assetSlug: slug, amount: '2', expiresInSeconds: 60 });
    await post(`/holds/{id}/${ending}`, {}, { id: held.holdId });
  }
  await post('/transactions/topup', money);
  for (const status of ['BANNED', 'ACTIVE'])
    await post('/users/{userId}/status', { status }, { userId: one.id });
  const gone = await post('/users', { email: `${unique('gone')}@example.com` });
  await post('/users/{userId}/erase', { reason: 'request 4711' }, { userId: gone.id });
  for (const status of ['FROZEN', 'ACTIVE']) {
    await post('/assets/{slug}/status', { status, reason: 'x' }, { slug });
    await post('/wallets/{id}/status', { status }, { id: entries[1].walletId });
    await post('/wallets/{id}/status', { status }, { id: entries[0].walletId });
  }
  const { walletId: id } = entries[1];
  await post('/wallets/{id}/overdraft', { limit: '5' }, { id });
  await post('/wallets/{id}/limits', { perTransaction: '500', day: '1000' }, { id });
  await post('/assets/{slug}/limits', { month: '5000' }, { slug });
  await post('/wallets/{id}/status', { status: 'ACTIVE' }, { id });
  await post('/assets/{slug}/status', { status: 'ACTIVE' }, { slug });
  await post('/transactions/spend', money);
});

test('every dry run, and a batch, answers what the document says', async () => {
  const holder = await newHolder(service);
  const { body: topped } = await topUp(service, holder, '100');
  const { body: held } = await service.post('/holds', { ...holder, amount: '10' });
  await topUp(service, holder, '10');
  const money = { ...holder, amount: '1' };
  const posting = {
    from: { userId: holder.userId },
    to: { system: 'fees' },
    assetSlug: holder.assetSlug,
    amount: '1',
  };
  const other = await newHolder(service, holder.assetSlug);
  const between = {
    fromUserId: holder.userId,
    toUserId: other.userId,
    assetSlug: holder.assetSlug,
    amount: '1',
  };
  const walletId = String(topped.entries[1].walletId);
  await service.post(`/wallets/${walletId}/limits`, { day: '1000' });
  const dryRuns: [string, string, unknown][] = [
    [
      '/transactions/exchange',
      '/transactions/exchange',
      { ...(await swapOf(service, holder)), amount: '1', toAmount: '3' },
    ],
    ['/transactions/topup', '/transactions/topup', money],
    ['/transactions/bonus', '/transactions/bonus', money],
    ['/transactions/spend', '/transactions/spend', money],
    ['/transactions/transfer', '/transactions/transfer', between],
    ['/transactions', '/transactions', { postings: [posting] }],
    ['/transactions/{id}/reverse', `/transactions/${topped.transactionId}/reverse`, {}],
    ['/holds', '/holds', money],
    ['/holds/{id}/capture', `/holds/${held.holdId}/capture`, {}],
    ['/holds/{id}/release', `/holds/${held.holdId}/release`, {}],
  ];
  for (const [template, path, body] of dryRuns) {
    const reply = await service.post(`${path}?dryRun=true`, body);
    assert.equal(reply.status, 200, reply.text);
    contract.expectValid(
      pointerTo('paths', template, 'post', 'responses', '200', 'content', 'application/json', 'schema'),
      reply.body,
    );
  }
  const commands = [{ idempotencyKey: unique('batch'), type: 'topup', ...money }];
  expectContract('post', '/transactions/batch', await service.post('/transactions/batch', { commands }), 200);
  const tooMuch = [{ idempotencyKey: unique('batch'), type: 'spend', ...holder, amount: '1000' }];
  const refused = await service.post('/transactions/batch', { commands: tooMuch, atomic: true });
  expectContract('post', '/transactions/batch', refused, 422);
});

test('every query answers what the document says', async () => {
  const one = await newHolder(service);
  const other = await newHolder(service, one.assetSlug);
  const posted = await topUp(service, one, '10', { reference: 'r', metadata: { a: 'b' }, key: 'contract/1' });
  await transfer(service, { from: one, to: other }, '1');
  const declined = await spend(service, one, '999', { key: 'contract/2' });
  const swap = await swapOf(service, one);
  const swapped = await service.post('/transactions/exchange', { ...swap, amount: '2', rate: '0.5' });
  const unswapped = await service.post('/transactions/exchange', { ...swap, amount: '999', toAmount: '1' });
  const wallet = posted.body.entries[1].walletId as string;
  const treasury = posted.body.entries[0].walletId as string;
  await service.post(`/transactions/${posted.body.transactionId}/reverse`, { amount: '1' });
  const { body: held, headers } = await service.post('/holds', { ...one, amount: '1' });
  await service.post(`/wallets/${wallet}/limits`, { day: '1000' });
  await service.post(`/assets/${one.assetSlug}/limits`, { day: '1000' });
  const at = String(headers['coffer-position']);
  await service.get(`/projections?atLeast=${at}`);
  const balance = `/wallets/${one.userId}/${one.assetSlug}/balance`;
  const queries: [string, string[]][] = [
    ['/health', ['/health']],
    ['/ready', ['/ready']],
    ['/metrics', ['/metrics']],
    ['/', ['/']],
    ['/problems/{code}', ['/problems/overloaded']],
    ['/openapi.json', ['/openapi.json']],
    ['/users', ['/users', '/users?limit=1', '/users?email=nobody%40example.com']],
    ['/users/{userId}', [`/users/${one.userId}`]],
    ['/users/{userId}/wallets', [`/users/${one.userId}/wallets`]],
    ['/assets', ['/assets', '/assets?limit=1']],
    [
      '/assets/{slug}/activity',
      [
        `/assets/${one.assetSlug}/activity`,
        `/assets/${one.assetSlug}/activity?bucket=hour`,
        `/assets/${one.assetSlug}/activity?days=2`,
      ],
    ],
    ['/wallets/{id}', [`/wallets/${wallet}`, `/wallets/${treasury}`]],
    ['/wallets/{id}/history', [`/wallets/${wallet}/history`, `/wallets/${treasury}/history?type=topup`]],
    [
      '/wallets/{userId}/{assetSlug}/balance',
      [balance, `${balance}?consistency=strong`, `${balance}?asOf=0`],
    ],
    ['/wallets', ['/wallets', '/wallets?system=treasury&limit=1']],
    ['/wallets/{id}/explain', [`/wallets/${wallet}/explain`, `/wallets/${wallet}/explain?asOf=1`]],
    [
      '/wallets/{id}/daily-balances',
      [`/wallets/${wallet}/daily-balances`, `/wallets/${treasury}/daily-balances?days=2`],
    ],
    ['/wallets/{id}/lots', [`/wallets/${wallet}/lots`, `/wallets/${wallet}/lots?open=true&limit=1`]],
    ['/wallets/{id}/limits', [`/wallets/${wallet}/limits`, `/wallets/${treasury}/limits`]],
    ['/holds', ['/holds', `/holds?userId=${one.userId}&status=open`]],
    ['/holds/{id}', [`/holds/${held.holdId}`]],
    ['/transactions', ['/transactions', `/transactions?userId=${one.userId}`]],
    [
      '/transactions/{id}',
      [posted, declined, swapped, unswapped].map(({ body }) => `/transactions/${body.transactionId}`),
    ],
    ['/idempotency-keys/{key}', ['/idempotency-keys/contract%2F1', '/idempotency-keys/contract%2F2']],
    ['/events', ['/events?limit=500', '/events?limit=1']],
    ['/operations', ['/operations']],
    ['/projections', ['/projections']],
    ['/audit/trial-balance', ['/audit/trial-balance']],
    ['/audit/checkpoint', ['/audit/checkpoint']],
    ['/audit/proofs/inclusion', ['/audit/proofs/inclusion?position=2&treeSize=3']],
    [
      '/audit/proofs/consistency',
      ['/audit/proofs/consistency?from=2', '/audit/proofs/consistency?from=1&to=1'],
    ],
  ];
  await until('the log is sealed', async () => (await service.get('/audit/checkpoint')).status === 200);
  for (const [template, paths] of queries) {
    for (const path of paths) expectContract('get', template, await service.get(path), 200);
  }
  const stream = await service.get('/events', { accept: 'application/x-ndjson' });
  expectContract('get', '/events', stream, 200);
  const checkpoint = await service.get('/audit/checkpoint', { accept: 'application/json' });
  expectContract('get', '/audit/checkpoint', checkpoint, 200);
});

test('every refusal answers what the document says', async () => {
  const holder = await newHolder(service);
  const gets: [string, string, number][] = [
    ['/users', '/users?limit=0', 400],
    ['/users/{userId}', `/users/${NOBODY}`, 404],
    ['/wallets/{id}', `/wallets/${NOBODY}`, 404],
    ['/wallets/{userId}/{assetSlug}/balance', `/wallets/${holder.userId}/nope/balance`, 404],
    ['/transactions/{id}', `/transactions/${NOBODY}`, 404],
    ['/holds/{id}', `/holds/${NOBODY}`, 404],
    ['/wallets/{id}/explain', `/wallets/${NOBODY}/explain`, 404],
    ['/wallets/{id}/lots', `/wallets/${NOBODY}/lots`, 404],
    ['/wallets/{id}/daily-balances', `/wallets/${NOBODY}/daily-balances`, 404],
    ['/wallets/{id}/limits', `/wallets/${NOBODY}/limits`, 404],
    ['/idempotency-keys/{key}', '/idempotency-keys/none', 404],
    ['/problems/{code}', '/problems/none', 404],
    ['/assets/{slug}/activity', '/assets/none/activity', 404],
    ['/audit/proofs/inclusion', '/audit/proofs/inclusion', 400],
    ['/audit/export', '/audit/export?from=x', 400],
    // Where it begins to answer it does not end: tests of its own read it.
    ['/events/stream', '/events/stream?after=x', 400],
  ];
  for (const [template, path, status] of gets)
    expectContract('get', template, await service.get(path), status);
  const spent = '/transactions/spend';
  expectContract('post', spent, await spend(service, holder, '1'), 422);
  expectContract('post', spent, await spend(service, holder, '1.0'), 400);
  expectContract('post', spent, await spend(service, { ...holder, userId: NOBODY }, '1'), 404);
  expectContract('post', spent, await service.post(spent, '{}', 'k', { 'content-type': 'text/plain' }), 415);
  expectContract('post', spent, await service.post(spent, JSON.stringify('x'.repeat(300_000))), 413);
  const { body: gone } = await service.post('/users', { email: `${unique('gone')}@example.com` });
  const erase = `/users/${gone.id}/erase`;
  assert.equal((await service.post(erase, {})).status, 201);
  expectContract('post', '/users/{userId}/erase', await service.post(erase, {}), 410);
  for (const path of ['', '/wallets'])
    expectContract('get', `/users/{userId}${path}`, await service.get(`/users/${gone.id}${path}`), 410);
  await topUp(service, holder, '1');
  const tooSoon = await service.post(`/users/${holder.userId}/erase`, {});
  expectContract('post', '/users/{userId}/erase', tooSoon, 422);
  const taken = { slug: holder.assetSlug };
  expectContract('post', '/assets', await service.post('/assets', taken), 409);
});

test('what is set going answers what the document says', async () => {
  const begin = async (template: string, path: string, status: number) =>
    expectContract('post', template, await service.post(path, {}), status);
  const [rebuild, rollback] = ['/projections/{name}/rebuild', '/projections/{name}/rollback'] as const;
  await begin(rollback, '/projections/holds/rollback', 409);
  await begin(rebuild, '/projections/holds/rebuild', 202);
  await begin(rebuild, '/projections/none/rebuild', 404);
  await begin('/audit/verifications', '/audit/verifications', 202);
  await begin('/audit/verifications', '/audit/verifications', 409);
  const { body: verifications } = await service.get('/audit/verifications');
  const one = '/audit/verifications/{id}';
  const path = `/audit/verifications/${verifications.data[0].id}`;
  expectContract('get', one, await service.get(path), 200);
  expectContract('get', one, await service.get(`/audit/verifications/${NOBODY}`), 404);
  for (const list of ['/audit/verifications', '/audit/public-keys'])
    expectContract('get', list, await service.get(list), 200);
  expectContract('get', '/projections/rebuilds', await service.get('/projections/rebuilds'), 200);
});

test('the tour has seen every operation of the document, but for those of tests of their own', () => {
  contract.expectTourOf((path) => !/^\/(?:keys|scheduled)\b/.test(path));
});
