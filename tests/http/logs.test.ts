import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { pino } from 'pino';
import { createFaultLog } from '../../src/http/fault-log.ts';
import { problemOf } from '../../src/http/problems.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startService, type Service } from '../support/service.ts';
import { newHolder, topUp } from './payments.ts';

const lines: string[] = [];

let database: TestDatabase;
let service: Service;

before(async () => {
  database = await createTestDatabase();
  const log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) });
  service = await startService(database, { log, config: { waitMs: 500 } });
});

after(async () => {
  await service.close();
  await database.drop();
});

/** Everything that a client may send and a log must not keep. */
const SECRETS = {
  email: 'very-private-person@example.com',
  key: 'key-that-must-stay-out-of-logs',
  authorization: 'Bearer token-that-must-stay-out-of-logs',
  reference: 'reference-that-must-stay-out-of-logs',
  metadata: 'metadata-that-must-stay-out-of-logs',
  reason: 'reason-that-must-stay-out-of-logs',
  cookie: 'session=cookie-that-must-stay-out-of-logs',
};

function expectNoSecrets(): void {
  const whole = lines.join('');
  for (const [name, secret] of Object.entries(SECRETS))
    assert.ok(!whole.includes(secret), `the log holds the ${name}`);
  assert.ok(
    !whole.includes(new URL(database.url).password || 'postgres://'),
    'the log holds the way to the database',
  );
}

async function sendSecrets(): Promise<number[]> {
  const { email, key, authorization, reference, metadata, reason, cookie } = SECRETS;
  const headers = { authorization, cookie };
  const holder = await newHolder(service);
  const money = { ...holder, amount: '1', reference, metadata: { note: metadata } };
  const post = async (path: string, body: unknown, suffix = '') =>
    (await service.post(path, body, `${key}${suffix}`, headers)).status;
  const get = async (path: string) => (await service.get(path, headers)).status;
  return [
    await post('/users', { email }, '-1'),
    await post('/users', { email }, '-2'),
    await post('/users', { email, [email]: email }, '-3'),
    await post('/users', `{"email":"${email}"`, '-4'),
    await post('/transactions/topup', money, '-5'),
    await post('/transactions/topup', money, '-5'),
    await post('/transactions/topup', { ...money, amount: '2' }, '-5'),
    await post('/transactions/spend', { ...money, amount: '999' }, '-6'),
    await post('/transactions/topup', { ...money, amount: reference }, '-7'),
    await post(`/users/${holder.userId}/status`, { status: 'BANNED', reason }, '-8'),
    await post('/transactions/topup', money, ' spaced'),
    await post(`/nowhere/${email}`, { email }, '-9'),
    await get(`/users?email=${email}`),
    await get(`/users?email=${email}&limit=${email}`),
    await get(`/users/${email}`),
    await get(`/idempotency-keys/${key}-1`),
    await get(`/transactions?reference=${reference}`),
    await get(`/transactions?reference=${reference}&atLeast=999999`),
  ];
}

test('no log line holds what a client sent, whatever became of the request', async () => {
  const statuses = await sendSecrets();
  assert.deepEqual(new Set(statuses), new Set([201, 409, 400, 422, 404, 200, 503]));
  expectNoSecrets();
});

test('a failure is logged with its cause and its request id, and still without what was sent', async () => {
  const owner = await database.connect();
  await owner.query('alter table personal rename to personal_gone');
  const before = lines.length;
  try {
    const { email, key, authorization } = SECRETS;
    const headers = { authorization, 'x-request-id': 'failing-1' };
    const reads = await service.get(`/users?email=${email}`, headers);
    const writes = await service.post('/users', { email }, `${key}-10`, headers);
    assert.deepEqual([reads.status, writes.status], [500, 500]);
  } finally {
    await owner.query('alter table personal_gone rename to personal');
    await owner.end();
  }
  const logged = lines.slice(before).filter((line) => line.includes('failing-1'));
  assert.equal(logged.length, 2);
  for (const line of logged) assert.match(line, /personal/);
  expectNoSecrets();
});

test('what goes well is not worth a line', async () => {
  const holder = await newHolder(service);
  const before = lines.length;
  for (let count = 0; count < 10; count += 1) await topUp(service, holder, '1');
  await service.get('/nowhere');
  await service.get('/users');
  const own = lines
    .slice(before)
    .filter((line) => (JSON.parse(line) as { reqId?: string }).reqId !== undefined);
  assert.deepEqual(own, []);
});

test('of many that are turned away for one reason a line a second tells, and how many there were; a bug is never left out', () => {
  const written: Record<string, unknown>[] = [];
  const log = pino({ base: null }, { write: (line: string) => void written.push(JSON.parse(line)) });
  let now = 0;
  const tell = createFaultLog(() => now);
  const turnAway = (code: 'overloaded' | 'database_unavailable' | 'internal_error'): void =>
    tell({ id: `at-${now}`, log }, problemOf(code, 'No.', '/'), new Error(`why ${code}`));
  for (; now < 2_500; now += 1) turnAway('overloaded');
  turnAway('database_unavailable');
  for (let bug = 0; bug < 3; bug += 1) turnAway('internal_error');
  assert.deepEqual(
    written.map(({ reqId, code, others }) => [reqId, code, others]),
    [
      ['at-0', 'overloaded', undefined],
      ['at-1000', 'overloaded', 999],
      ['at-2000', 'overloaded', 999],
      ['at-2500', 'database_unavailable', undefined],
      ...Array.from({ length: 3 }, () => ['at-2500', undefined, undefined]),
    ],
  );
  assert.equal(written[0]!['reason'], 'why overloaded');
});
