import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startService, type Service } from '../support/service.ts';
import { until } from '../support/until.ts';
import { newHolder, spend, topUp } from './payments.ts';

let database: TestDatabase;
let service: Service;

before(async () => {
  database = await createTestDatabase();
  service = await startService(database, { worker: false, config: { maxQueue: 77 } });
});

after(async () => {
  await service.close();
  await database.drop();
});

test('commands are counted by what became of them, refusals by their reason', async () => {
  const holder = await newHolder(service);
  const key = 'twice';
  await topUp(service, holder, '10', { key });
  await topUp(service, holder, '10', { key });
  for (let count = 0; count < 3; count += 1) await spend(service, holder, '100');
  const { body, headers } = await service.get('/operations');
  const counted = body.outcomes.map(({ command, outcome, count }: Record<string, unknown>) =>
    [command, outcome, count].join(' '),
  );
  assert.deepEqual(counted, [
    'asset.create accepted 1',
    'spend insufficient_funds 3',
    'topup accepted 1',
    'topup replayed 1',
    'user.register accepted 1',
  ]);
  assert.deepEqual(body.refusals, [{ code: 'insufficient_funds', count: 3 }]);
  assert.deepEqual(body.queue, { depth: 0, capacity: 77, shuttingDown: false });
  assert.match(String(headers['coffer-position']), /^[1-9][0-9]*$/);
  assert.ok(body.process.memoryBytes > 1_000_000);
});

test('batches show in the second after', async () => {
  await topUp(service, await newHolder(service), '10');
  const { batches } = await until('the second is over', async () => {
    const { body } = await service.get('/operations');
    return body.batches.p50Ms !== null && body;
  });
  assert.ok(batches.perSecond > 0 && batches.perSecond < 10);
  assert.equal(batches.meanCommands, 1);
  assert.ok(batches.p99Ms >= batches.p50Ms);
});

test('jobs are counted by queue, those that nothing came of too', async () => {
  const owner = await database.connect();
  const jobs = async () => (await service.get('/operations')).body.jobs as Record<string, unknown>[];
  const names = (await jobs()).map(({ queue }) => queue);
  assert.deepEqual(names, ['catch-up', 'drift', 'rebuild', 'seal', 'sweep']);
  await owner.query('delete from pgboss.job');
  await owner.query(`
insert into pgboss.job (name, state, source_name)
values ('seal', 'created', null), ('seal', 'failed', null), ('seal', 'failed', null), ('drift', 'active', null),
       ('dead-letters', 'created', 'seal')`);
  await owner.end();
  const found = await jobs();
  const of = (name: string) => found.find(({ queue }) => queue === name);
  assert.deepEqual(of('seal'), { queue: 'seal', queued: 1, active: 0, failed: 2, deadLetters: 1 });
  assert.deepEqual(of('drift'), { queue: 'drift', queued: 0, active: 1, failed: 0, deadLetters: 0 });
});
