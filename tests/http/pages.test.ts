import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { problemTable } from '../../src/http/problems.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startService, type Service } from '../support/service.ts';
import { expectProblem } from './expect-problem.ts';
import { newHolder, topUp } from './payments.ts';

/** The table of the contract, as far as it is served. */
const STATUS_OF_CODE: Record<string, number> = {
  idempotency_key_missing: 400,
  idempotency_key_invalid: 400,
  idempotency_key_reused: 422,
  validation_failed: 400,
  not_found: 404,
  payload_too_large: 413,
  unsupported_media_type: 415,
  user_not_found: 404,
  asset_not_found: 404,
  wallet_not_found: 404,
  transaction_not_found: 404,
  email_taken: 409,
  slug_taken: 409,
  id_taken: 409,
  insufficient_funds: 422,
  user_banned: 422,
  asset_frozen: 422,
  wallet_frozen: 422,
  supply_cap_exceeded: 422,
  balance_out_of_range: 422,
  overloaded: 503,
  shutting_down: 503,
  database_unavailable: 503,
  outcome_unknown: 503,
  read_model_behind: 503,
  subject_erased: 410,
  idempotency_key_unknown: 404,
  schedule_not_found: 404,
  schedule_closed: 422,
};

let database: TestDatabase;
let service: Service;

before(async () => {
  database = await createTestDatabase();
  service = await startService(database);
});

after(async () => {
  await service.close();
  await database.drop();
});

test('every code has the status that the contract gives it', () => {
  for (const [code, status] of Object.entries(STATUS_OF_CODE)) {
    assert.equal(new Map(Object.entries(problemTable)).get(code)?.status, status, code);
  }
});

test('every code has a page that says what to do', async () => {
  for (const [code, { status, title }] of Object.entries(problemTable)) {
    const reply = await service.get(`/problems/${code}`);
    assert.equal(reply.status, 200, code);
    assert.equal(reply.headers['content-type'], 'text/html; charset=utf-8');
    assert.ok(reply.text.includes(`<h1>${title}</h1>`));
    assert.ok(reply.text.includes(`<strong>${status}</strong>`));
    assert.equal(reply.headers['x-content-type-options'], 'nosniff');
    assert.match(String(reply.headers['content-security-policy']), /default-src 'none';.*style-src 'self'/);
  }
});

test('a code that does not exist has no page', async () => {
  for (const code of ['nope', '__proto__', 'constructor', 'toString', '%3Cscript%3E']) {
    expectProblem(await service.get(`/problems/${code}`), 'not_found', `/problems/${code}`);
  }
});

test('the dashboard is HTML that loads nothing from elsewhere, asked for anew each time', async () => {
  const reply = await service.get('/');
  assert.equal(reply.status, 200);
  assert.match(String(reply.headers['content-type']), /^text\/html/);
  assert.match(
    String(reply.headers['content-security-policy']),
    /default-src 'none';script-src 'self';style-src 'self'/,
  );
  assert.doesNotMatch(String(reply.headers['content-security-policy']), /unsafe|https?:|data:|\*/);
  assert.equal(reply.headers['cache-control'], 'no-cache');
  assert.doesNotMatch(reply.text, /(src|href)="(https?:)?\/\//);
  assert.match(reply.text, /<div id="app">/);
});

test('what the dashboard is made of is kept for good, and sent compressed', async () => {
  const page = await service.get('/');
  const parts = [...page.text.matchAll(/(?:src|href)="(\/dashboard\/assets\/[^"]+)"/g)].map(([, part]) =>
    String(part),
  );
  assert.deepEqual(
    parts.map((part) => part.split('.').at(-1)),
    ['js', 'css'],
  );
  for (const part of parts) {
    const reply = await service.get(part, { 'accept-encoding': 'br, gzip' });
    assert.equal(reply.status, 200, part);
    assert.equal(reply.headers['cache-control'], 'public, max-age=31536000, immutable');
    assert.equal(reply.headers['content-encoding'], 'br');
    assert.equal((await service.get(part)).headers['content-encoding'], undefined);
  }
  expectProblem(await service.get('/dashboard/assets/nope.js'), 'not_found', '/dashboard/assets/nope.js');
});

test('files beside the pages are not served', async () => {
  for (const path of [
    '/pages/../server.ts',
    '/pages/%2e%2e/server.ts',
    '/pages/..%2fserver.ts',
    '/pages/%00',
    '/pages/',
    '/pages/../plain-page.ts',
    '/dashboard/assets/../../sources.sha256',
    '/dashboard/assets/..%2f..%2fsources.sha256',
    '/dashboard/index.html',
  ]) {
    const reply = await service.get(path);
    assert.ok(reply.status === 404 || reply.status === 400, `${path}: ${reply.status}`);
    assert.match(String(reply.headers['content-type']), /problem\+json/);
  }
});

test('the documentation loads its parts from this server only', async () => {
  const page = await service.get('/docs/');
  assert.equal(page.status, 200);
  const parts = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, part]) => String(part));
  assert.ok(parts.length >= 4, page.text);
  for (const part of parts) {
    assert.doesNotMatch(part, /^(https?:)?\/\//);
    const { pathname } = new URL(part, 'http://localhost/docs/');
    assert.equal((await service.get(pathname)).status, 200, part);
  }
  const start = await service.get('/docs/static/swagger-initializer.js');
  assert.match(start.text, /validatorUrl: null/);
  const policy = String(page.headers['content-security-policy']);
  assert.match(policy, /default-src 'none'; script-src 'self'/);
  assert.doesNotMatch(policy, /https?:|upgrade-insecure-requests|swagger\.io/);
  assert.equal((await service.get('/docs')).status, 200);
  assert.deepEqual((await service.get('/docs/json')).body, (await service.get('/openapi.json')).body);
});

test('a process that is alive says so', async () => {
  const { status, body } = await service.get('/health');
  assert.equal(status, 200);
  assert.equal(body.status, 'ok');
  assert.ok(Date.parse(body.startedAt) <= Date.now());
});

test('a service with its database migrated is ready', async () => {
  const { status, body } = await service.get('/ready');
  assert.equal(status, 200);
  assert.deepEqual(body, { status: 'ready', reason: null });
});

test('metrics are Prometheus text that counts the commands', async () => {
  const holder = await newHolder(service);
  await topUp(service, holder, '1', { key: 'counted-1' });
  await topUp(service, holder, '1', { key: 'counted-1' });
  const { status, headers, text } = await service.get('/metrics');
  assert.equal(status, 200);
  assert.match(String(headers['content-type']), /^text\/plain/);
  assert.match(text, /^coffer_commands_total\{command="topup",outcome="accepted"\} [1-9]/m);
  assert.match(text, /^coffer_commands_total\{command="topup",outcome="replayed"\} 1$/m);
  assert.match(text, /^coffer_queue_depth 0$/m);
});

test('projections say how far they have come', async () => {
  const { position } = (await topUp(service, await newHolder(service), '1')).body;
  const reply = await service.get(`/projections?atLeast=${position}`);
  const names = reply.body.data.map(({ name }: { name: string }) => name);
  assert.deepEqual(names, [
    ...['asset_activity', 'directory', 'holds', 'lots', 'scheduled', 'transactions', 'wallet_balances'],
  ]);
  for (const projection of reply.body.data) {
    const { headPosition, position: reached, lagEvents, lagMs, state, version, error } = projection;
    assert.deepEqual(
      { headPosition, reached, lagEvents, lagMs, state, version, error },
      {
        headPosition: position,
        reached: position,
        lagEvents: '0',
        lagMs: 0,
        state: 'live',
        version: 1,
        error: null,
      },
    );
  }
});
