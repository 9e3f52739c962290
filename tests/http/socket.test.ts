import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { problemTable } from '../../src/http/problems.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startService, type Service } from '../support/service.ts';
import { newHolder, topUp, type Holder } from './payments.ts';
import { listen, openConnection, request, type RawAnswer } from './raw-connection.ts';

const TOPUP = '/transactions/topup';

let database: TestDatabase;
let service: Service;
let port: number;
let holder: Holder;

before(async () => {
  database = await createTestDatabase();
  service = await startService(database, { config: { bodyLimitBytes: 2_048 } });
  holder = await newHolder(service);
  port = await listen(service);
});

after(async () => {
  await service.close();
  await database.drop();
});

function expectRawProblem(answer: RawAnswer, status: number, code: keyof typeof problemTable): void {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.headers.get('content-type'), 'application/problem+json; charset=utf-8');
  assert.ok(answer.headers.get('x-request-id'));
  const { body } = answer;
  assert.equal(body.status, status);
  assert.equal(body.code, code);
  assert.equal(body.type, `/problems/${code}`);
  assert.equal(body.title, problemTable[code].title);
  assert.equal(typeof body.detail, 'string');
  assert.ok(body.instance.startsWith('/'));
}

async function ask(text: string | Buffer): Promise<RawAnswer> {
  const connection = await openConnection(port);
  try {
    connection.send(text);
    return await connection.answer();
  } finally {
    connection.abort();
  }
}

async function balance(): Promise<string> {
  const { body } = await service.get(
    `/wallets/${holder.userId}/${holder.assetSlug}/balance?consistency=strong`,
  );
  return String(body.balance);
}

test('a connection serves one request after the other', async () => {
  const connection = await openConnection(port);
  const body = JSON.stringify({ ...holder, amount: '1' });
  connection.send(request('POST', TOPUP, { 'idempotency-key': 'socket-1' }, body));
  const first = await connection.answer();
  connection.send(request('POST', TOPUP, { 'Idempotency-Key': 'socket-1' }, body));
  const second = await connection.answer();
  assert.equal(first.status, 201);
  assert.equal(second.text, first.text);
  assert.equal(second.headers.get('idempotent-replayed'), 'true');
  connection.abort();
});

test('two Idempotency-Keys in one request are no key', async () => {
  const body = JSON.stringify({ ...holder, amount: '1' });
  const twice = request('POST', TOPUP, { 'idempotency-key': 'a\r\nidempotency-key: b' }, body);
  expectRawProblem(await ask(twice), 400, 'idempotency_key_invalid');
});

test('a key in UTF-8 is not usable', async () => {
  const text = request('POST', TOPUP, { 'idempotency-key': 'schlüssel' }, '{}');
  expectRawProblem(await ask(text), 400, 'idempotency_key_invalid');
});

test('a request that is no HTTP is a problem, and the connection is closed', async () => {
  for (const text of [
    'hello\r\n\r\n',
    'GET / HTTP/9.9\r\n\r\n',
    'GET /users HTTP/1.1\r\nbad header\r\n\r\n',
  ]) {
    const connection = await openConnection(port);
    connection.send(text);
    const answer = await connection.answer();
    expectRawProblem(answer, 400, 'validation_failed');
    assert.equal(answer.headers.get('connection'), 'close');
    assert.deepEqual(answer.body.errors, [{ path: 'request', message: answer.body.detail }]);
    await connection.closed();
  }
});

test('what Node would answer without a word is a problem too', async () => {
  const unheard = [
    { text: 'GET /users HTTP/1.1\r\n\r\n', status: 400, path: 'headers.host' },
    {
      text: request('GET', '/users', { host: 'localhost\r\nhost: localhost' }),
      status: 400,
      path: 'headers.host',
    },
    { text: request('POST', '/users', { expect: 'wonders' }, '{}'), status: 417, path: 'request' },
    { text: 'CONNECT localhost:80 HTTP/1.1\r\nhost: localhost\r\n\r\n', status: 400, path: 'request' },
  ];
  for (const { text, status, path } of unheard) {
    const answer = await ask(text);
    expectRawProblem(answer, status, 'validation_failed');
    assert.deepEqual(
      answer.body.errors.map((error: { path: string }) => error.path),
      [path],
    );
  }
  expectRawProblem(await ask('GET /users HTTP/1.0\r\n\r\n'), 421, 'host_not_allowed');
  assert.equal((await ask('GET /users HTTP/1.0\r\nhost: localhost\r\n\r\n')).status, 200);
});

test('a request that names the whole URL goes by the name in there, and by its path', async () => {
  const asked = (target: string, host: string) => ask(request('GET', target, { host }));
  expectRawProblem(await asked('http://evil.example/users', 'localhost'), 421, 'host_not_allowed');
  assert.equal((await asked('http://localhost/users?limit=1', 'evil.example')).status, 200);
  const nowhere = await asked('HTTP://localhost:80/nowhere?a=b', 'localhost');
  expectRawProblem(nowhere, 404, 'not_found');
  assert.equal(nowhere.body.instance, '/nowhere');
  assert.equal((await asked('http://localhost?limit=1', 'localhost')).status, 200, 'no path is the root');

  const body = JSON.stringify({ ...holder, amount: '1000000' });
  const spend = (target: string) => ask(request('POST', target, { 'idempotency-key': 'whole-url' }, body));
  const first = await spend('/transactions/spend');
  expectRawProblem(first, 422, 'insufficient_funds');
  const again = await spend('http://localhost/transactions/spend');
  assert.equal(again.text, first.text);
  assert.equal(again.headers.get('idempotent-replayed'), 'true');
});

test('a path with a part that is too long is told so in few words, and none leads out of a folder of files', async () => {
  const long = await ask(request('GET', `/users/${'x'.repeat(10_000)}`));
  assert.deepEqual(long.body.errors, [{ path: 'path', message: 'has a part that is too long' }]);
  assert.equal(long.headers.get('x-content-type-options'), 'nosniff');
  for (const path of ['/docs/static/../../users', '/pages/../server.ts', '/pages/..%2fserver.ts'])
    expectRawProblem(await ask(request('GET', path)), 404, 'not_found');
});

test('headers that are too large are a 431 problem', async () => {
  expectRawProblem(
    await ask(request('GET', '/health', { 'x-large': 'x'.repeat(20_000) })),
    431,
    'validation_failed',
  );
  expectRawProblem(await ask(request('GET', `/users/${'x'.repeat(20_000)}`)), 431, 'validation_failed');
});

test('a body that says it is over the limit is refused before it is sent', async () => {
  const head = `POST ${TOPUP} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nidempotency-key: big\r\n`;
  const declared = await ask(`${head}content-length: 1000000000\r\n\r\n{"userId":`);
  expectRawProblem(declared, 413, 'payload_too_large');
});

test('a body that grows over the limit is cut off', async () => {
  const head = `POST ${TOPUP} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nidempotency-key: big\r\n`;
  const chunk = `400\r\n${'x'.repeat(1_024)}\r\n`;
  const connection = await openConnection(port);
  connection.send(`${head}transfer-encoding: chunked\r\n\r\n${chunk.repeat(3)}`);
  expectRawProblem(await connection.answer(), 413, 'payload_too_large');
  connection.abort();
});

test('a write without any body is a 400 or a 415, not a failure', async () => {
  const bare = await ask(request('POST', TOPUP, { 'idempotency-key': 'bare' }));
  expectRawProblem(bare, 400, 'validation_failed');
  const typed = request('POST', TOPUP, { 'idempotency-key': 'bare', 'content-type': 'application/json' });
  expectRawProblem(await ask(typed), 400, 'validation_failed');
  const untyped = request('POST', TOPUP, { 'idempotency-key': 'bare', 'content-length': '2' });
  expectRawProblem(await ask(`${untyped}{}`), 415, 'unsupported_media_type');
});

test('a client that goes away amid its body, or before the answer, hurts nobody', async () => {
  const earlier = await balance();
  for (let count = 0; count < 20; count += 1) {
    const connection = await openConnection(port);
    connection.send(
      `POST ${TOPUP} HTTP/1.1\r\nhost: localhost\r\nidempotency-key: gone\r\ncontent-type: application/json\r\n`,
    );
    connection.send('content-length: 900\r\n\r\n{"userId":');
    connection.abort();
    const impatient = await openConnection(port);
    impatient.send(request('GET', '/users'));
    impatient.abort();
  }
  assert.equal((await ask(request('GET', '/health'))).status, 200);
  assert.equal(await balance(), earlier);
  assert.equal((await topUp(service, holder, '1')).status, 201);
});

test('slow clients are cut off: a request has 30 s to arrive', () => {
  const { server } = service.http;
  assert.equal(server.requestTimeout, 30_000);
  assert.ok(server.headersTimeout > 0 && server.headersTimeout <= 60_000);
  assert.equal(server.keepAliveTimeout, 75_000);
});
