/** What is scheduled is done within 3 seconds of its time, exactly once: without jobs, by two workers, in a race with a cancel. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { assertLedgerIsSound, balanceOf } from '../support/ledger-facts.ts';
import { createAsset, registerUser, startService, type Reply, type Service } from '../support/service.ts';
import { until, untilWritersWait } from '../support/until.ts';

const LIMIT_MS = 3_000;
/** Ahead of the service's own time, so that what is asked for is still in the future when it arrives. */
const AHEAD_MS = 1_500;

let database: TestDatabase;
let service: Service;
let owner: pg.Client;
let money: { userId: string; assetSlug: string; amount: string };

before(async () => {
  database = await createTestDatabase();
  service = await startService(database);
  owner = await database.connect();
  const { id: userId } = await registerUser(service);
  money = { userId, assetSlug: await createAsset(service), amount: '1' };
  await service.post('/transactions/topup', { ...money, amount: '1000' });
});

after(async () => {
  await assertLedgerIsSound(owner);
  await owner.end();
  await service.close();
  await database.drop();
});

async function schedule(count: number, amount = '1'): Promise<string[]> {
  const executeAt = new Date(Date.now() + AHEAD_MS).toISOString();
  const replies = await Promise.all(
    Array.from({ length: count }, () => service.post('/transactions/spend', { ...money, amount, executeAt })),
  );
  for (const reply of replies) assert.equal(reply.status, 202, reply.text);
  return replies.map(({ body }) => String(body.scheduleId));
}

type Ended = { events: number; executed: number; cancelled: number; late_ms: number };

/** Waits until all of them have ended; resolves to what the log says of them. */
function ended(ids: readonly string[]): Promise<Ended> {
  return until('all have ended', async () => {
    const { rows } = await owner.query<Ended & { waiting: number }>(
      `select (select count(*)::int from schedules s where s.id = any ($1) and s.status = 'scheduled') as waiting,
              count(*)::int as events,
              count(*) filter (where e.type = 'scheduled.executed')::int as executed,
              count(*) filter (where e.type = 'scheduled.cancelled')::int as cancelled,
              max(extract(epoch from e.recorded_at - s.execute_at) * 1000)::float8 as late_ms
         from schedules s
         join events e on e.related_id = s.id and e.type in ('scheduled.executed', 'scheduled.cancelled')
        where s.id = any ($1)`,
      [ids],
    );
    const [found] = rows;
    return found!.waiting === 0 && found;
  });
}

function assertOnceInTime({ events, executed, late_ms: late }: Ended, count: number): void {
  assert.deepEqual([events, executed], [count, count]);
  assert.ok(late >= 0 && late < LIMIT_MS, `${late} ms late`);
}

/** Runs `work`, and says what it took from the balance. */
async function spentBy(work: () => Promise<void>): Promise<bigint> {
  const before = BigInt(await balanceOf(owner, money.userId, money.assetSlug));
  await work();
  return before - BigInt(await balanceOf(owner, money.userId, money.assetSlug));
}

test('what is scheduled is done in time, once', async () => {
  const spent = await spentBy(async () => assertOnceInTime(await ended(await schedule(20)), 20));
  assert.equal(spent, 20n);
});

test('the same although every job is lost', async () => {
  await owner.query(`
create function lose_sweep() returns trigger language plpgsql as $$ begin return null; end $$;
create trigger lose_sweep before insert on pgboss.job for each row when (new.name = 'sweep') execute function lose_sweep();`);
  try {
    const spent = await spentBy(async () => assertOnceInTime(await ended(await schedule(3)), 3));
    assert.equal(spent, 3n);
  } finally {
    await owner.query('drop trigger lose_sweep on pgboss.job');
  }
});

test('the same by two workers', async () => {
  const second = await startService(database);
  try {
    const spent = await spentBy(async () => assertOnceInTime(await ended(await schedule(30)), 30));
    assert.equal(spent, 30n);
  } finally {
    await second.close();
  }
});

test('the same although a worker is cut off in the middle of it', async () => {
  const blocker = await database.connect();
  const ids = await schedule(2);
  const spent = await spentBy(async () => {
    // It has locked and decided, and waits to append.
    await blocker.query('begin');
    await blocker.query('select from ledgers for update');
    const pids = await untilWritersWait(owner);
    await owner.query('select pg_terminate_backend(pid) from unnest($1::int[]) as pid', [pids]);
    await blocker.query('commit');
    const { events, executed } = await ended(ids);
    assert.deepEqual([events, executed], [2, 2]);
  });
  assert.equal(spent, 2n);
  await blocker.end();
});

test('of a cancel and an execution at the same moment exactly one wins', async () => {
  const ids = await schedule(20);
  const cancelled: Reply[] = [];
  const spent = await spentBy(async () => {
    await until('their time has come', async () => {
      const { rows } = await owner.query<{ due: boolean }>(
        'select bool_and(execute_at <= clock_timestamp()) as due from schedules where id = any ($1)',
        [ids],
      );
      return rows[0]!.due;
    });
    for (const id of ids) cancelled.push(await service.post(`/scheduled/${id}/cancel`, {}));
    const found = await ended(ids);
    assert.equal(found.events, ids.length);
    assert.equal(found.cancelled, cancelled.filter(({ status }) => status === 201).length);
    assert.equal(found.executed, cancelled.filter(({ body }) => body.code === 'schedule_closed').length);
    assert.equal(found.executed + found.cancelled, ids.length);
  });
  assert.equal(spent, BigInt(cancelled.filter(({ status }) => status !== 201).length));
});

test('a run that waits for a cancel finds the schedule closed, and does nothing', async () => {
  const [id] = await schedule(1);
  const blocker = await database.connect();
  const spent = await spentBy(async () => {
    // Both wait for the row, and whoever comes second finds it as the first has left it.
    await blocker.query('begin');
    await blocker.query('select from schedules where id = $1 for update', [id]);
    const reply = service.post(`/scheduled/${id}/cancel`, {});
    const second = await startService(database);
    await untilWritersWait(owner, 2);
    await blocker.query('commit');
    const { status } = await reply;
    const { events, executed, cancelled } = await ended([id!]);
    assert.deepEqual([events, cancelled], [1, status === 201 ? 1 : 0]);
    assert.equal(executed, 1 - cancelled);
    await second.close();
  });
  const { rows } = await owner.query<{ executed: number }>(
    "select count(*)::int as executed from events where related_id = $1 and type = 'scheduled.executed'",
    [id],
  );
  assert.equal(spent, BigInt(rows[0]!.executed));
  await blocker.end();
});

test('what is locked is locked in one order: wallets, schedules, the head of the ledger', async () => {
  const [id] = await schedule(1);
  const blocker = await database.connect();
  await blocker.query('begin');
  await blocker.query('select from schedules where id = $1 for update', [id]);
  await untilWritersWait(owner);
  // Who waits for the schedule has the wallets, and not the head.
  await blocker.query('select from ledgers for update nowait');
  await assert.rejects(
    owner.query('select from wallets where owner = $1 for update nowait', [money.userId]),
    { code: '55P03' },
  );
  await blocker.query('commit');
  await blocker.end();
  const { executed } = await ended([id!]);
  assert.equal(executed, 1);
});
