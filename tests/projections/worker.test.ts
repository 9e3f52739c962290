/** The worker end to end: woken by jobs, by itself when a job is lost, and not confused by too many. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type pg from 'pg';
import { pino } from 'pino';
import { projections } from '../../src/projections/catalog.ts';
import { CATCH_UP_QUEUE, startJobs } from '../../src/projections/jobs.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { balanceAt, createAsset, registerUser, startService, type Service } from '../support/service.ts';
import { until } from '../support/until.ts';

// oxlint-disable-next-line typescript/no-explicit-any -- rows of all shapes
type Row = Record<string, any>;

let database: TestDatabase;
let service: Service;
let owner: pg.Client;
let money: { userId: string; assetSlug: string; amount: string };

before(async () => {
  database = await createTestDatabase();
  service = await startService(database);
  owner = await database.connect();
  const { id: userId } = await registerUser(service);
  money = { userId, assetSlug: await createAsset(service), amount: '10' };
});

after(async () => {
  await owner.end();
  await service.close();
  await database.drop();
});

/** Resolves to the position. */
async function topUp(): Promise<string> {
  const reply = await service.post('/transactions/topup', money);
  assert.equal(reply.status, 201);
  return reply.body.position;
}

async function statuses(): Promise<Map<string, Row>> {
  const { body } = await service.get('/projections');
  return new Map((body.data as Row[]).map((status) => [status['name'], status]));
}

function untilProjected(position: string): Promise<boolean> {
  return until(`every projection has reached ${position}`, async () =>
    [...(await statuses()).values()].every((status) => BigInt(status['position']) >= BigInt(position)),
  );
}

async function readModels(): Promise<Row[][]> {
  const tables = projections.flatMap((projection) => projection.tables);
  const contents: Row[][] = [];
  for (const table of tables)
    contents.push((await owner.query<Row>(`select * from read.${table} t order by t`)).rows);
  return contents;
}

/** From here on a job that is sent does not arrive. */
const loseJobs = `
create table lost_jobs (name text);
grant insert on lost_jobs to public;
create function lose_job() returns trigger language plpgsql as $$
begin
  insert into public.lost_jobs values (new.name);
  return null;
end $$;
create trigger lose before insert on pgboss.job for each row execute function lose_job();`;

describe('The worker', () => {
  test('follows what is written, all projections of it', async () => {
    const position = await topUp();
    assert.equal(await balanceAt(service, money.userId, money.assetSlug, position), '10');
    await untilProjected(position);
    const found = await statuses();
    assert.deepEqual([...found.keys()].sort(), projections.map(({ name }) => name).sort());
    for (const status of found.values()) assert.equal(status['error'], null);
  });

  test('catches up although every job is lost: it looks by itself', async () => {
    await untilProjected(await topUp());
    await until('no job runs or waits', async () => {
      const { rowCount } = await owner.query(
        `select from pgboss.job where state in ('created', 'retry', 'active')`,
      );
      return rowCount === 0;
    });
    await owner.query(loseJobs);
    const position = await topUp();
    await until('the nudge is lost', async () => (await owner.query('select from lost_jobs')).rowCount !== 0);
    const behind = [...(await statuses()).values()].filter(
      (status) => BigInt(status['position']) < BigInt(position),
    );
    await owner.query('drop trigger lose on pgboss.job; delete from pgboss.job;');
    assert.equal(behind.length, projections.length);
    await untilProjected(position);
  });

  test('does nothing twice, however many jobs come', async () => {
    await untilProjected(await topUp());
    const before = await readModels();
    const jobs = await startJobs({ url: database.url, log: pino({ level: 'silent' }), works: false });
    const ids: (string | null)[] = [];
    for (let copy = 0; copy < 10; copy += 1) {
      ids.push(await jobs.boss.send(CATCH_UP_QUEUE, { ledgerId: 1 }, { singletonKey: `copy ${copy}` }));
    }
    await jobs.close();
    assert.equal(new Set(ids).size, 10);
    await until('every copy has run', async () => {
      const { rows } = await owner.query<{ state: string }>(
        'select state from pgboss.job where id = any ($1)',
        [ids],
      );
      return rows.every(({ state }) => state === 'completed');
    });
    assert.deepEqual(await readModels(), before);
    assert.equal((await owner.query(`select from pgboss.job where state = 'failed'`)).rowCount, 0);
  });

  test('shows a projection that stands still as failed, and goes on once it can', async () => {
    const first = BigInt(await topUp());
    await untilProjected(first.toString());
    const obstacle = [1, first + 1n];
    const put = `insert into read.transactions_1 (ledger_id, position, type, status) values ($1, $2, 'topup', 'posted')`;
    await owner.query(put, obstacle);
    const position = await topUp();
    assert.equal(BigInt(position), first + 1n);
    const failed = await until('the failure is shown', async () => {
      const status = (await statuses()).get('transactions');
      return status?.['state'] === 'failed' && status;
    });
    await owner.query('delete from read.transactions_1 where ledger_id = $1 and position = $2', obstacle);
    assert.match(failed['error'], /duplicate key/);
    assert.equal(BigInt(failed['position']), first);
    assert.equal(failed['lagEvents'], '1');
    await untilProjected(position);
    const status = (await statuses()).get('transactions');
    assert.deepEqual([status?.['state'], status?.['error']], ['live', null]);
  });

  test('keeps the other projections going while one cannot go on', async () => {
    const first = BigInt(await topUp());
    await untilProjected(first.toString());
    const obstacle = [1, first + 1n];
    const put = `insert into read.transactions_1 (ledger_id, position, type, status) values ($1, $2, 'topup', 'posted')`;
    await owner.query(put, obstacle);
    const position = await topUp();
    assert.equal(BigInt(position), first + 1n);
    await until('all but one have gone on', async () => {
      const found = [...(await statuses()).values()];
      return found.every(({ name, position: at }) => (name === 'transactions') !== (at === position));
    });
    await owner.query('delete from read.transactions_1 where ledger_id = $1 and position = $2', obstacle);
    await untilProjected(position);
  });

  test('keeps the other projections going while one is held by somebody else', async () => {
    const first = BigInt(await topUp());
    await untilProjected(first.toString());
    const checkpoint = `select from read.checkpoints where projection = 'transactions' and live for update`;
    await owner.query('begin');
    try {
      await owner.query(checkpoint);
      const reply = await service.post('/transactions/topup', money);
      const { position, balanceAfter } = reply.body;
      assert.equal(await balanceAt(service, money.userId, money.assetSlug, position), balanceAfter);
      assert.equal((await statuses()).get('transactions')?.['position'], first.toString());
    } finally {
      await owner.query('rollback');
    }
  });
});

describe('A worker that starts', () => {
  test('makes up for what was written while none ran', async () => {
    await untilProjected(await topUp());
    await service.close();
    service = await startService(database, { worker: false });
    const position = await topUp();
    assert.ok(
      [...(await statuses()).values()].every((status) => BigInt(status['position']) < BigInt(position)),
    );
    await service.close();
    await owner.query('delete from pgboss.job');
    service = await startService(database);
    await untilProjected(position);
  });

  test('shares the work with another one', async () => {
    const second = await startService(database);
    try {
      const [, , , position] = [await topUp(), await topUp(), await topUp(), await topUp()];
      await untilProjected(position);
      const [heads, projected] = await Promise.all([
        owner.query<Row>('select id, balance from wallets order by id'),
        owner.query<Row>('select wallet_id as id, balance from read.wallet_balances order by wallet_id'),
      ]);
      assert.deepEqual(projected.rows, heads.rows);
    } finally {
      await second.close();
    }
  });
});
