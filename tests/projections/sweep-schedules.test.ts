/** What is scheduled is done within 3 seconds of its time, exactly once: without jobs, by two workers, in a race with a cancel. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { balanceOf } from '../support/ledger-facts.ts';
import { startService, type Reply } from '../support/service.ts';
import { until, untilWritersWait } from '../support/until.ts';
import { LIMIT_MS, openedSweep } from './sweeping.ts';

/** Ahead of the service's own time, so that what is asked for is still in the future when it arrives. */
const AHEAD_MS = 1_500;

const at = openedSweep();

async function schedule(count: number, amount = '1'): Promise<string[]> {
  const executeAt = new Date(Date.now() + AHEAD_MS).toISOString();
  const replies = await Promise.all(
    Array.from({ length: count }, () =>
      at.service.post('/transactions/spend', { ...at.money, amount, executeAt }),
    ),
  );
  for (const reply of replies) assert.equal(reply.status, 202, reply.text);
  return replies.map(({ body }) => String(body.scheduleId));
}

type Ended = { events: number; executed: number; cancelled: number; late_ms: number };

/** Waits until all of them have ended; resolves to what the log says of them. */
function ended(ids: readonly string[]): Promise<Ended> {
  return until('all have ended', async () => {
    const { rows } = await at.owner.query<Ended & { waiting: number }>(
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
  const before = BigInt(await balanceOf(at.owner, at.money.userId, at.money.assetSlug));
  await work();
  return before - BigInt(await balanceOf(at.owner, at.money.userId, at.money.assetSlug));
}

test('what is scheduled is done in time, once', async () => {
  const spent = await spentBy(async () => assertOnceInTime(await ended(await schedule(20)), 20));
  assert.equal(spent, 20n);
});

test('the same although every job is lost', async () => {
  await at.withoutJobs(async () => {
    const spent = await spentBy(async () => assertOnceInTime(await ended(await schedule(3)), 3));
    assert.equal(spent, 3n);
  });
});

test('the same by two workers', async () => {
  const second = await startService(at.database);
  try {
    const spent = await spentBy(async () => assertOnceInTime(await ended(await schedule(30)), 30));
    assert.equal(spent, 30n);
  } finally {
    await second.close();
  }
});

test('the same although a worker is cut off in the middle of it', async () => {
  const blocker = await at.database.connect();
  const ids = await schedule(2);
  const spent = await spentBy(async () => {
    // It has locked and decided, and waits to append.
    await blocker.query('begin');
    await blocker.query('select from ledgers for update');
    const pids = await untilWritersWait(at.owner);
    await at.owner.query('select pg_terminate_backend(pid) from unnest($1::int[]) as pid', [pids]);
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
      const { rows } = await at.owner.query<{ due: boolean }>(
        'select bool_and(execute_at <= clock_timestamp()) as due from schedules where id = any ($1)',
        [ids],
      );
      return rows[0]!.due;
    });
    for (const id of ids) cancelled.push(await at.service.post(`/scheduled/${id}/cancel`, {}));
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
  const blocker = await at.database.connect();
  const spent = await spentBy(async () => {
    // Both wait for the row, and whoever comes second finds it as the first has left it.
    await blocker.query('begin');
    await blocker.query('select from schedules where id = $1 for update', [id]);
    const reply = at.service.post(`/scheduled/${id}/cancel`, {});
    const second = await startService(at.database);
    await untilWritersWait(at.owner, 2);
    await blocker.query('commit');
    const { status } = await reply;
    const { events, executed, cancelled } = await ended([id!]);
    assert.deepEqual([events, cancelled], [1, status === 201 ? 1 : 0]);
    assert.equal(executed, 1 - cancelled);
    await second.close();
  });
  const { rows } = await at.owner.query<{ executed: number }>(
    "select count(*)::int as executed from events where related_id = $1 and type = 'scheduled.executed'",
    [id],
  );
  assert.equal(spent, BigInt(rows[0]!.executed));
  await blocker.end();
});

test('what is locked is locked in one order: wallets, schedules, the head of the ledger', async () => {
  const [id] = await schedule(1);
  const blocker = await at.database.connect();
  await blocker.query('begin');
  await blocker.query('select from schedules where id = $1 for update', [id]);
  await untilWritersWait(at.owner);
  // Who waits for the schedule has the wallets, and not the head.
  await blocker.query('select from ledgers for update nowait');
  await assert.rejects(
    at.owner.query('select from wallets where owner = $1 for update nowait', [at.money.userId]),
    { code: '55P03' },
  );
  await blocker.query('commit');
  await blocker.end();
  const { executed } = await ended([id!]);
  assert.equal(executed, 1);
});
