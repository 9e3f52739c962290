import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startService, type Service } from '../support/service.ts';
import { newHolder } from './payments.ts';
import { listen, openConnection, request } from './raw-connection.ts';

type Connection = Awaited<ReturnType<TestDatabase['connect']>>;

let database: TestDatabase;
let service: Service;
let port: number;
let blocker: Connection;
let closing: Promise<void> | null;

beforeEach(async () => {
  closing = null;
  database = await createTestDatabase();
  blocker = await database.connect();
  service = await startService(database);
  port = await listen(service);
});

afterEach(async () => {
  await blocker.query('rollback');
  await stop();
  await blocker.end();
  await database.drop();
});

function stop(): Promise<void> {
  closing ??= service.close();
  return closing;
}

/** Until nobody answers at the port any more: the service has begun to stop. */
async function untilRefused(port: number): Promise<void> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    assert.ok(performance.now() < deadline, 'the service still takes connections');
    const connection = await openConnection(port).catch(() => null);
    if (connection === null) return;
    connection.abort();
  }
}

/** Until somebody waits for a lock that this session holds. */
async function untilWaiting(holder: Connection): Promise<void> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    assert.ok(performance.now() < deadline, 'nobody waits');
    const { rows } = await holder.query(
      'select from pg_stat_activity where pg_backend_pid() = any (pg_blocking_pids(pid))',
    );
    if (rows.length > 0) return;
  }
}

test('what is in flight is finished, and a request that is whole too late is told that the service is shutting down', async () => {
  const holder = await newHolder(service);
  const kept = await openConnection(port);
  const late = await openConnection(port);
  for (const connection of [kept, late]) {
    connection.send(request('GET', '/health'));
    assert.equal((await connection.answer()).status, 200);
  }

  await blocker.query('begin');
  await blocker.query('select from ledgers for update');
  const body = JSON.stringify({ ...holder, amount: '7' });
  const tooLate = request('POST', '/transactions/topup', { 'idempotency-key': 'too-late' }, body);
  const half = tooLate.indexOf('\r\n') + 2;
  late.send(tooLate.slice(0, half));
  kept.send(request('POST', '/transactions/topup', { 'idempotency-key': 'in-flight' }, body));
  await untilWaiting(blocker);

  const stopped = stop();
  await untilRefused(port);
  late.send(tooLate.slice(half));
  const refused = await late.answer();
  await blocker.query('rollback');

  const finished = await kept.answer();
  assert.equal(finished.status, 201, finished.text);
  assert.equal(finished.body.balanceAfter, '7');
  assert.equal(finished.headers.get('connection'), 'close');
  assert.equal(refused.status, 503);
  assert.equal(refused.body.code, 'shutting_down');
  assert.equal(refused.body.instance, '/transactions/topup');
  assert.match(refused.headers.get('retry-after') ?? '', /^[1-9][0-9]*$/);
  assert.ok(refused.headers.get('x-request-id'));
  assert.equal(refused.headers.get('connection'), 'close');
  const answered = performance.now();
  await Promise.all([kept.closed(), late.closed()]);
  await stopped;
  assert.ok(performance.now() - answered < 3_000, 'a connection that was answered kept the service alive');

  const { rows } = await blocker.query<{ count: string }>(
    "select count(*) from events where idempotency_key = 'too-late'",
  );
  assert.equal(rows[0]?.count, '0');
});

test('a service without connections stops at once, and twice is no harm', async () => {
  const idle = await openConnection(port);
  idle.send(request('GET', '/health'));
  assert.equal((await idle.answer()).status, 200);
  const started = performance.now();
  await stop();
  await idle.closed();
  assert.ok(performance.now() - started < 5_000, 'an idle connection kept the service alive');
  await service.http.close();
});
