/** A tour through every route: each answer is held to the schema that the OpenAPI document gives for it. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import addFormats from 'ajv-formats';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startService, unique, type Reply, type Service } from '../support/service.ts';
import { until } from '../support/until.ts';
import { newHolder, spend, swapOf, topUp, transfer } from './payments.ts';

const NOBODY = '01998a6e-7c00-7000-8000-00000000dead';

// oxlint-disable-next-line typescript/no-explicit-any -- a document of many shapes
type Any = any;

let database: TestDatabase;
let service: Service;
let document: Any;
let ajv: Ajv2020;
const toured = new Set<string>();

before(async () => {
  database = await createTestDatabase();
  service = await startService(database);
  document = (await service.get('/openapi.json')).body;
  const strict = closed(structuredClone(document));
  ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addSchema({ ...strict, $id: 'document' });
});

after(async () => {
  await service.close();
  await database.drop();
});

/** Answers may get new fields in time, but today's tests know all of today's. A problem's depend on its code. */
function closed(value: Any): Any {
  if (typeof value !== 'object' || value === null) return value;
  for (const [name, inner] of Object.entries<Any>(value)) if (name !== 'Problem') closed(inner);
  if (value.type === 'object' && typeof value.properties === 'object') value.additionalProperties ??= false;
  return value;
}

function expectValid(pointer: string, body: unknown): void {
  const validate = ajv.getSchema(`document#${pointer}`);
  assert.ok(validate, `there is no schema at ${pointer}`);
  assert.ok(
    validate(body),
    `${pointer}: ${ajv.errorsText(validate.errors)}\n${JSON.stringify(body, null, 1)}`,
  );
}

function pointerTo(...names: string[]): string {
  return names
    .map((name) => `/${encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1'))}`)
    .join('');
}

function expectContract(method: 'get' | 'post', template: string, reply: Reply, status: number): void {
  assert.equal(reply.status, status, reply.text);
  const response = document.paths[template][method].responses[status];
  assert.ok(response, `${method} ${template} has no ${status}`);
  const type = String(reply.headers['content-type']).split(';')[0] ?? '';
  assert.ok(response.content[type], `${method} ${template} ${status} has no ${type}`);
  const schema = ['paths', template, method, 'responses', status.toString(), 'content', type, 'schema'];
  expectValid(pointerTo(...schema), reply.body ?? reply.text);
  const required = ['X-Request-Id', 'Coffer-Position', 'Retry-After'];
  for (const header of required) {
    const declared = Object.hasOwn(response.headers, header);
    // Faults have a position where the ledger was looked at for them.
    if (declared && !(header === 'Coffer-Position' && [400, 503].includes(status)))
      assert.ok(reply.headers[header.toLowerCase()], `${template} ${status}: ${header}`);
    if (!declared)
      assert.equal(reply.headers[header.toLowerCase()], undefined, `${template} ${status}: ${header}`);
  }
  toured.add(`${method} ${template}`);
}

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
    expectValid(
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

test('every command that moves money answers what the document says when it is asked for later', async () => {
  const holder = await newHolder(service);
  const other = await newHolder(service, holder.assetSlug);
  const { body: posted } = await topUp(service, holder, '100');
  const { body: held } = await service.post('/holds', { ...holder, amount: '1' });
  const executeAt = new Date(Date.now() + 3_600_000).toISOString();
  const money = { ...holder, amount: '1', executeAt };
  const { userId, assetSlug } = holder;
  const toAsset = (await newHolder(service)).assetSlug;
  const parties = { from: { userId }, to: { system: 'revenue' } };
  const writes: [string, string, object][] = [
    ['/transactions/topup', '', { ...money, metadata: { a: 'b' }, personalMetadata: ['a'] }],
    ['/transactions/bonus', '', money],
    [
      '/transactions/exchange',
      '',
      { userId, fromAsset: assetSlug, toAsset, amount: '1', rate: '2', executeAt },
    ],
    ['/transactions/spend', '', money],
    [
      '/transactions/transfer',
      '',
      { fromUserId: userId, toUserId: other.userId, assetSlug, amount: '1', executeAt },
    ],
    ['/transactions', '', { postings: [{ ...parties, assetSlug, amount: '1' }], executeAt }],
    ['/transactions/{id}/reverse', posted.transactionId, { executeAt }],
    ['/holds', '', { ...money, expiresInSeconds: 60 }],
    ['/holds/{id}/capture', held.holdId, { executeAt }],
    ['/holds/{id}/release', held.holdId, { executeAt }],
  ];
  const ids: string[] = [];
  for (const [template, id, body] of writes) {
    const path = template.replace('{id}', id);
    const reply = await service.post(path, body);
    expectContract('post', template, reply, 202);
    expectContract('post', template, await service.post(`${path}?dryRun=true`, body), 200);
    ids.push(reply.body.scheduleId);
  }
  const cancel = '/scheduled/{id}/cancel';
  const path = `/scheduled/${ids[0]}/cancel`;
  const { headers } = await service.post(path, { reason: 'contract' }, 'contract/cancel');
  expectContract('post', cancel, await service.post(path, { reason: 'contract' }, 'contract/cancel'), 201);
  expectContract('post', cancel, await service.post(path, {}), 422);
  expectContract('post', cancel, await service.post(`/scheduled/${NOBODY}/cancel`, {}), 404);
  const at = String(headers['coffer-position']);
  for (const query of ['', '&status=cancelled', '&limit=1'])
    expectContract('get', '/scheduled', await service.get(`/scheduled?atLeast=${at}${query}`), 200);
  for (const id of ids) expectContract('get', '/scheduled/{id}', await service.get(`/scheduled/${id}`), 200);
  expectContract('get', '/scheduled/{id}', await service.get(`/scheduled/${NOBODY}`), 404);
  // What came of one, and one that was looked up as what came of it.
  const soon = new Date(Date.now() + 1_500).toISOString();
  const { body: near } = await service.post('/transactions/spend', { ...money, executeAt: soon });
  const done = await until('it is executed', async () => {
    const reply = await service.get(`/scheduled/${near.scheduleId}`);
    return reply.body.status === 'executed' && reply;
  });
  expectContract('get', '/scheduled/{id}', done, 200);
  const transaction = await service.get(`/transactions/${done.body.result.transactionId}`);
  assert.equal(transaction.body.scheduleId, near.scheduleId);
  expectContract('get', '/transactions/{id}', transaction, 200);
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

test('keys answer what the document says', async () => {
  const other = await createTestDatabase();
  const closed = await startService(other);
  try {
    const admin = await closed.post('/keys', { name: 'admin', scopes: ['admin'] });
    expectContract('post', '/keys', admin, 201);
    await until('a key is needed', async () => (await closed.get('/keys')).status === 401);
    expectContract('get', '/keys', await closed.get('/keys'), 401);
    const authorization = `Bearer ${admin.body.secret}`;
    const made = await closed.post('/keys', { name: 'one', scopes: ['queries:read'] }, 'k', {
      authorization,
    });
    expectContract('post', '/keys', made, 201);
    const reader = { authorization: `Bearer ${made.body.secret}` };
    await until('it counts', async () => (await closed.get('/users', reader)).status === 200);
    expectContract('get', '/keys', await closed.get('/keys', reader), 403);
    expectContract('get', '/keys', await closed.get('/keys', { authorization }), 200);
    for (const change of ['rotate', 'revoke']) {
      const reply = await closed.post(`/keys/${made.body.id}/${change}`, {}, 'k', { authorization });
      expectContract('post', `/keys/{id}/${change}`, reply, 200);
    }
    const closedKey = await closed.post(`/keys/${made.body.id}/rotate`, {}, 'k', { authorization });
    expectContract('post', '/keys/{id}/rotate', closedKey, 409);
    const unknown = await closed.post('/keys/none/revoke', {}, 'k', { authorization });
    expectContract('post', '/keys/{id}/revoke', unknown, 404);
    const unfit = await closed.post('/keys', { name: '', scopes: [] }, 'k', { authorization });
    expectContract('post', '/keys', unfit, 400);
  } finally {
    await closed.close();
    await other.drop();
  }
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

test('the tour has seen every operation of the document', () => {
  const all = Object.entries<Any>(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  );
  assert.deepEqual([...toured].sort(), all.sort());
});

test('the examples of the document fit its schemas', () => {
  let seen = 0;
  const visit = (node: Any, names: string[]): void => {
    if (typeof node !== 'object' || node === null) return;
    if (typeof node.schema === 'object' && typeof node.examples === 'object') {
      for (const [name, example] of Object.entries<Any>(node.examples)) {
        const { value } = typeof example.$ref === 'string' ? document.components.examples[name] : example;
        expectValid(pointerTo(...names, 'schema'), value);
        seen += 1;
      }
    }
    if (typeof node.schema === 'object' && 'example' in node) {
      expectValid(pointerTo(...names, 'schema'), node.example);
      seen += 1;
    }
    for (const [name, inner] of Object.entries(node)) visit(inner, [...names, name]);
  };
  visit(document.paths, ['paths']);
  assert.ok(seen > 200, `${seen} examples`);
  for (const [name, schema] of Object.entries<Any>(document.components.schemas)) {
    for (const example of schema.examples ?? [])
      expectValid(pointerTo('components', 'schemas', name), example);
  }
});
