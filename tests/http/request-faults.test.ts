import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startService, type Service } from '../support/service.ts';
import { expectInvalid, expectProblem } from './expect-problem.ts';
import { newHolder, type Holder } from './payments.ts';

const TOPUP = '/transactions/topup';

let database: TestDatabase;
let service: Service;
let holder: Holder;
let headAtStart: unknown;

before(async () => {
  database = await createTestDatabase();
  service = await startService(database, { config: { bodyLimitBytes: 4_096 } });
  holder = await newHolder(service);
  headAtStart = await head();
});

after(async () => {
  await service.close();
  await database.drop();
});

async function head(): Promise<unknown> {
  return (await service.get('/projections')).headers['coffer-position'];
}

async function messageAbout(fields: Record<string, unknown>): Promise<string> {
  const reply = await service.post(TOPUP, { ...holder, amount: '1', ...fields });
  assert.equal(reply.status, 400, reply.text);
  return String(reply.body.errors[0].message);
}

test('an amount is a string of 1 to 38 digits, and each other thing is told what is wrong with it', async () => {
  const faults: [unknown, RegExp][] = [
    [100, /JSON numbers lose precision/],
    [1.5, /JSON numbers lose precision/],
    ['1e3', /exponent/],
    ['1E+3', /exponent/],
    ['-5', /sign/],
    ['+5', /sign/],
    ['007', /leading zeros/],
    ['00', /leading zeros/],
    ['1.5', /decimal point/],
    ['1,5', /decimal point/],
    ['9'.repeat(39), /at most 38 digits/],
    ['0', /more than 0/],
    ['', /empty/],
    [' 5', /string of digits/],
    ['5\n', /string of digits/],
    ['٥', /string of digits/],
    ['0x10', /string of digits/],
    ['NaN', /string of digits/],
    [null, /string of digits/],
    [true, /string of digits/],
    [['5'], /string of digits/],
    [{}, /string of digits/],
  ];
  for (const [amount, message] of faults) {
    const reply = await service.post(TOPUP, { ...holder, amount });
    expectInvalid(reply, TOPUP, ['amount']);
    assert.match(reply.body.errors[0].message, message, JSON.stringify(amount));
  }
});

test('an unknown field is an error that names it, one error a field', async () => {
  const body = { ...holder, amount: '1', colour: 'red', Reference: 'x' };
  const reply = await service.post(TOPUP, body);
  expectInvalid(reply, TOPUP, ['colour', 'Reference']);
  assert.equal(reply.body.errors[0].message, 'is not a known field');
  expectInvalid(await service.post('/users', { email: 'a@example.com', admin: true }), '/users', ['admin']);
  expectInvalid(await service.post('/assets', { slug: 'ok', floor: '0' }), '/assets', ['floor']);
});

test('missing fields and fields of the wrong type are named', async () => {
  expectInvalid(await service.post(TOPUP, {}), TOPUP, ['userId', 'assetSlug', 'amount']);
  const wrong = { userId: 7, assetSlug: ['x'], amount: '1', reference: 5, metadata: 'x' };
  expectInvalid(await service.post(TOPUP, wrong), TOPUP, ['userId', 'assetSlug', 'reference', 'metadata']);
  expectInvalid(await service.post('/users', { email: 'a@example.com', id: '7' }), '/users', ['id']);
  expectInvalid(await service.post('/assets', { slug: 'ok', scale: '2' }), '/assets', ['scale']);
});

test('a name of a field may be long, the answer stays short', async () => {
  const reply = await service.post(TOPUP, { ...holder, amount: '1', ['x'.repeat(3_000)]: 1 });
  expectInvalid(reply, TOPUP, ['x'.repeat(200)]);
  assert.ok(reply.text.length < 2_000);
});

test('text with NUL or a lone surrogate is refused, wherever it stands', async () => {
  const message = /NUL or lone surrogates/;
  for (const bad of ['a\u0000b', 'a\ud800', '\udc00b']) {
    assert.match(await messageAbout({ reference: bad }), message);
    assert.match(await messageAbout({ metadata: { name: bad } }), message);
    assert.equal(
      (await service.post(TOPUP, { ...holder, amount: '1', metadata: { [bad]: 'v' } })).status,
      400,
    );
    assert.equal((await service.post('/users', { email: `${bad}@example.com` })).status, 400);
    assert.equal((await service.post('/assets', { slug: 'named', name: bad })).status, 400);
  }
  const pair = await service.post(TOPUP, { ...holder, amount: '1', reference: 'a\u{1f600}b' });
  assert.equal(pair.status, 201);
  assert.equal(pair.body.reference, 'a\u{1f600}b');
  headAtStart = await head();
});

test('text to look for is no way to the database for NUL either', async () => {
  for (const path of [
    '/users?email=a%00b',
    '/transactions?reference=%00',
    '/transactions?type=%00',
    '/events?type=%00',
  ]) {
    assert.equal((await service.get(path)).status, 400, path);
  }
  assert.equal((await service.get('/idempotency-keys/%00')).status, 404);
  assert.equal((await service.get(`/wallets/${holder.userId}/%00/balance`)).status, 400);
  assert.equal((await service.get('/assets/%00/activity')).status, 400);
});

test('metadata is at most 50 pairs of string to string', async () => {
  const pairs = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 'v']));
  expectInvalid(await service.post(TOPUP, { ...holder, amount: '1', metadata: pairs(51) }), TOPUP, [
    'metadata',
  ]);
  assert.equal((await service.post(TOPUP, { ...holder, amount: '1', metadata: pairs(50) })).status, 201);
  headAtStart = await head();
  for (const value of [1, null, {}, ['x'], true]) {
    expectInvalid(await service.post(TOPUP, { ...holder, amount: '1', metadata: { a: value } }), TOPUP, [
      'metadata.a',
    ]);
  }
  for (const metadata of [[], 'x', 1]) {
    expectInvalid(await service.post(TOPUP, { ...holder, amount: '1', metadata }), TOPUP, ['metadata']);
  }
});

test('keys that would poison an object are refused', async () => {
  const { userId, assetSlug } = holder;
  const start = `{"userId":"${userId}","assetSlug":"${assetSlug}","amount":"1"`;
  for (const more of [
    ',"__proto__":{"admin":true}}',
    ',"metadata":{"__proto__":"x"}}',
    ',"metadata":{"\\u005f_proto__":"x"}}',
    ',"constructor":{"prototype":{"admin":true}}}',
    ',"metadata":{"a":"b"},"personalMetadata":["__proto__"]}',
    ',"metadata":{"a":"b"},"personalMetadata":["constructor"]}',
  ]) {
    const reply = await service.post(TOPUP, start + more);
    expectProblem(reply, 'validation_failed', TOPUP);
  }
  assert.equal(({} as { admin?: boolean }).admin, undefined);
});

test('a body that is not JSON is a 400 of the body', async () => {
  const deep = `${'['.repeat(1_500)}${']'.repeat(1_500)}`;
  for (const body of [
    '{',
    '{"amount":',
    "{'a':1}",
    'null',
    '[]',
    '"text"',
    '7',
    '',
    ' ',
    '{} {}',
    deep,
    '\ufeff{',
  ]) {
    expectInvalid(await service.post(TOPUP, body), TOPUP, ['body']);
  }
});

test('a body of another media type is a 415', async () => {
  for (const type of [
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/xml',
    'multipart/form-data',
    'json',
  ]) {
    const reply = await service.post(TOPUP, '{}', 'k', { 'content-type': type });
    expectProblem(reply, 'unsupported_media_type', TOPUP);
  }
  const json = { ...holder, amount: '1' };
  const utf8 = await service.post(TOPUP, json, undefined, {
    'content-type': 'application/json; charset=utf-8',
  });
  assert.equal(utf8.status, 201);
  headAtStart = await head();
});

test('a body in another charset, or compressed, is a 415', async () => {
  for (const headers of [
    { 'content-type': 'application/json; charset=iso-8859-1' },
    { 'content-type': 'application/json;charset="utf-16"' },
    { 'content-encoding': 'gzip' },
    { 'content-encoding': 'br' },
  ]) {
    const reply = await service.post(TOPUP, { ...holder, amount: '1' }, undefined, headers);
    expectProblem(reply, 'unsupported_media_type', TOPUP);
  }
  const plain = { 'content-type': 'application/json; charset="UTF-8"', 'content-encoding': 'identity' };
  assert.equal((await service.post(TOPUP, { ...holder, amount: '1' }, undefined, plain)).status, 201);
  headAtStart = await head();
});

test('a body that is not UTF-8 is a 400, and no character of it is replaced', async () => {
  const text = JSON.stringify({ ...holder, amount: '1', reference: '\u00e9' });
  const headers = { 'content-type': 'application/json', 'idempotency-key': 'not-utf-8' };
  const payload = Buffer.from(text, 'latin1');
  const response = await service.http.inject({ method: 'POST', url: TOPUP, headers, payload });
  assert.equal(response.statusCode, 400, response.payload);
  assert.deepEqual(response.json().errors, [{ path: 'body', message: 'must be UTF-8' }]);
});

test('a body over the limit is a 413', async () => {
  const reply = await service.post(TOPUP, { ...holder, amount: '1', reference: 'x'.repeat(4_096) });
  expectProblem(reply, 'payload_too_large', TOPUP);
});

test('nobody transfers to themselves, however the id is written', async () => {
  const { userId, assetSlug } = holder;
  const path = '/transactions/transfer';
  for (const toUserId of [userId, userId.toUpperCase()]) {
    expectInvalid(await service.post(path, { fromUserId: userId, toUserId, assetSlug, amount: '1' }), path, [
      'toUserId',
    ]);
  }
});

test('none of these requests left anything in the log', async () => {
  assert.equal(await head(), headAtStart);
});
