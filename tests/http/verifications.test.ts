import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import { fillLedger } from '../../bench/fill/fill-ledger.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { registerUser, startService, type Service } from '../support/service.ts';
import { until } from '../support/until.ts';

/** A verification works off tens of thousands of events, beside whatever else the machine does. */
const ENDS_WITHIN_MS = 90_000;

/** A machine with much to do must not turn a test's requests away. */
const WITHOUT_PRESSURE = { worker: false, config: { maxLagMs: 0 } };

let database: TestDatabase;
let directory: string;
let owner: pg.Client;
let service: Service;

before(async () => {
  database = await createTestDatabase();
  await fillLedger({ url: database.url, events: 30_000, log: () => undefined });
  owner = await database.connect();
  directory = await mkdtemp(join(tmpdir(), 'coffer-verifications-'));
  // What a verification writes down meanwhile it writes there.
  process.env['TMPDIR'] = directory;
  service = await startService(database, WITHOUT_PRESSURE);
});

after(async () => {
  await service.close();
  await owner.end();
  await database.drop();
  await rm(directory, { recursive: true });
});

async function verified() {
  const started = await service.post('/audit/verifications', {});
  assert.equal(started.status, 202, started.text);
  assert.equal(started.body.state, 'running');
  return until(
    'the verification ends',
    async () => {
      const { body } = await service.get(`/audit/verifications/${started.body.id}`);
      return body.state !== 'running' && body;
    },
    ENDS_WITHIN_MS,
  );
}

test('a log that is as it has to be is verified up to its head, while commands go on', async () => {
  const { body: started } = await service.post('/audit/verifications', {});
  await registerUser(service);
  const running = await service.post('/audit/verifications', {});
  assert.equal(running.status, 409);
  assert.equal(running.body.code, 'verification_running');
  assert.equal(running.body.running, started.id);
  const ended = await until(
    'the verification ends',
    async () => {
      const { body } = await service.get(`/audit/verifications/${started.id}`);
      return body.state !== 'running' && body;
    },
    ENDS_WITHIN_MS,
  );
  assert.equal(ended.state, 'clean', JSON.stringify(ended.findings));
  assert.ok(BigInt(ended.verifiedPosition) >= 30_000n);
  assert.equal(ended.eventsDone, ended.eventsTotal);
  assert.equal(ended.findingCount, 0);
  assert.equal(ended.secondsLeft, null);
  assert.ok(ended.finishedAt >= ended.startedAt);
});

test('what was tampered with is found', async () => {
  await owner.query("set session_replication_role = 'replica'");
  await owner.query(
    'update wallets set balance = balance + 1 where id = (select id from wallets where not is_system order by id limit 1)',
  );
  const ended = await verified();
  assert.equal(ended.state, 'findings');
  assert.equal(ended.verifiedPosition, null);
  assert.ok(ended.findingCount > 0);
  const [first] = ended.findings;
  assert.deepEqual(Object.keys(first), ['check', 'position', 'wallet', 'expected', 'found']);
  assert.equal(first.check, 'wallets');
});

test('the last ones are listed, newest first; an unknown one is not found', async () => {
  const { body } = await service.get('/audit/verifications');
  assert.deepEqual(
    body.data.map(({ state }: { state: string }) => state),
    ['findings', 'clean'],
  );
  const unknown = await service.get('/audit/verifications/01998a6e-7c00-7000-8000-00000000dead');
  assert.equal(unknown.body.code, 'verification_not_found');
});

test('a stop cancels the one that runs, and leaves nothing behind', async (t) => {
  const stopping = await startService(database, WITHOUT_PRESSURE);
  t.after(() => stopping.close());
  const { body } = await stopping.post('/audit/verifications', {});
  assert.equal(body.state, 'running');
  await until(
    'it has begun',
    async () => {
      const { body: run } = await stopping.get(`/audit/verifications/${body.id}`);
      return run.eventsDone !== '0';
    },
    ENDS_WITHIN_MS,
  );
  const started = performance.now();
  await stopping.close();
  assert.ok(performance.now() - started < 6_000);
  assert.deepEqual(await readdir(directory), []);
});

test('the keys that sign are listed by their names', async () => {
  const vkeys = [
    'coffer/main/1-0123456789abcdef+c74f20a3+ARpc',
    'coffer/main/2-fedcba9876543210+a74f20a3+ARpd',
  ];
  assert.deepEqual((await service.get('/audit/public-keys')).body, { data: [], nextCursor: null });
  for (const [index, vkey] of vkeys.entries())
    await owner.query('insert into audit_keys (ledger_id, number, vkey) values (1, $1, $2)', [
      index + 1,
      vkey,
    ]);
  assert.deepEqual((await service.get('/audit/public-keys')).body.data, [
    { name: 'coffer/main/1-0123456789abcdef', vkey: vkeys[0], current: false },
    { name: 'coffer/main/2-fedcba9876543210', vkey: vkeys[1], current: true },
  ]);
});
