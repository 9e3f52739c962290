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

test('what is in flight is finished, and a kept connection is told that the service is shutting down', async () => {
  const holder = await newHolder(service);
  const kept = await openConnection(port);
  kept.send(request('GET', '/health'));
  assert.equal((await kept.answer()).status, 200);

  await blocker.query('begin');
  await blocker.query('select from ledgers for update');
  const body = JSON.stringify({ ...holder, amount: '7' });
  kept.send(request('POST', '/transactions/topup', { 'idempotency-key': 'in-flight' }, body));
  await untilWaiting(blocker);

  const stopped = stop();
  await untilRefused(port);
  kept.send(request('POST', '/transactions/topup', { 'idempotency-key': 'too-late' }, body));
  await blocker.query('rollback');

  const finished = await kept.answer();
  assert.equal(finished.status, 201, finished.text);
  assert.equal(finished.body.balanceAfter, '7');
  const refused = await kept.answer();
  assert.equal(refused.status, 503);
  assert.equal(refused.body.code, 'shutting_down');
  assert.equal(refused.body.instance, '/transactions/topup');
  assert.match(refused.headers.get('retry-after') ?? '', /^[1-9][0-9]*$/);
  assert.ok(refused.headers.get('x-request-id'));
  assert.equal(refused.headers.get('connection'), 'close');
  await kept.closed();
  await stopped;

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
