/** Figures of what all ledgers share: read models while they are rebuilt, and the queues of jobs. Each shows its own part. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { askedWith, issueKey, makeLedger } from '../support/keys.ts';
import { startService, type Service } from '../support/service.ts';

const SECRET = 'of-the-first-ledger-alone';

let database: TestDatabase;
let service: Service;
let owner: Service;
let stranger: Service;

before(async () => {
  database = await createTestDatabase();
  const other = await makeLedger(database, 'other');
  const ownersKey = await issueKey(database, ['admin']);
  const strangersKey = await issueKey(database, ['admin'], { ledger: 'other' });
  service = await startService(database, { worker: false });
  owner = askedWith(service, ownersKey);
  stranger = askedWith(service, strangersKey);
  const client = await database.connect();
  const { rows } = await client.query<{ id: number }>(`select id from ledgers where slug = 'main'`);
  const main = rows[0]!.id;
  await client.query('delete from pgboss.job');
  await client.query(
    `
insert into pgboss.job (name, state, source_name, data)
values ('seal', 'created', null, $1::jsonb), ('seal', 'failed', null, $1::jsonb), ('dead-letters', 'created', 'seal', $1::jsonb),
       ('rebuild', 'created', null, null), ('drift', 'active', null, $2::jsonb)`,
    [JSON.stringify({ ledgerId: main }), JSON.stringify({ ledgerId: other })],
  );
  await client.query(
    `
insert into read.generations (projection, generation, version, state, error)
values ('wallet_balances', 900, 9, 'building', $1::text)`,
    [SECRET],
  );
  await client.query(
    `
insert into read.rebuild_parts (projection, generation, ledger_id, from_position, to_position, target, done_at)
values ('wallet_balances', 900, $1::integer, 0, 777777, 777777, now()),
       ('wallet_balances', 900, $1::integer, 777777, 777778, 777778, null),
       ('wallet_balances', 900, $2::integer, 0, 3, 3, null)`,
    [main, other],
  );
  await client.end();
});

after(async () => {
  await service.close();
  await database.drop();
});

async function jobsOf(of: Service): Promise<Record<string, unknown>> {
  const { body } = await of.get('/operations');
  const jobs = body.jobs as {
    queue: string;
    queued: number;
    active: number;
    failed: number;
    deadLetters: number;
  }[];
  return Object.fromEntries(jobs.map(({ queue, ...counts }) => [queue, Object.values(counts).join(' ')]));
}

test('jobs are counted for the ledger that has them, and those of no ledger for the first one', async () => {
  const none = {
    'catch-up': '0 0 0 0',
    drift: '0 0 0 0',
    rebuild: '0 0 0 0',
    seal: '0 0 0 0',
    sweep: '0 0 0 0',
  };
  assert.deepEqual(await jobsOf(owner), { ...none, seal: '1 0 1 1', rebuild: '1 0 0 0' });
  assert.deepEqual(await jobsOf(stranger), { ...none, drift: '0 1 0 0' });
});

test('a rebuild shows to each ledger how far its own log is, and an error of it to the first one alone', async () => {
  const shown = async (of: Service) => {
    const { body, text } = await of.get('/projections');
    const { rebuild } = body.data.find(({ name }: { name: string }) => name === 'wallet_balances');
    return { ...rebuild, text };
  };
  const mine = await shown(owner);
  assert.deepEqual([mine.parts, mine.partsDone, mine.error], [2, 1, SECRET]);
  assert.notEqual(mine.eventsPerSecond, '0');
  const theirs = await shown(stranger);
  assert.deepEqual([theirs.parts, theirs.partsDone, theirs.eventsPerSecond], [1, 0, '0']);
  assert.equal(theirs.error, 'It failed, and is tried again.');
  assert.ok(!theirs.text.includes(SECRET));
});
