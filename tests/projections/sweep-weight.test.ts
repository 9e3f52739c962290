/** A look at what is due takes so much work and no more, some of each kind: nothing waits behind a flood of something else. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { pino } from 'pino';
import { requestThatEnds } from '../../src/background.ts';
import { dueItems, MAX_DUE, MAX_DUE_POSTINGS, type Due, type DueLook } from '../../src/projections/due.ts';
import { startSweep } from '../../src/projections/sweep.ts';
import { moveClock } from '../support/moved-clock.ts';
import { createAsset, registerUser, type Reply } from '../support/service.ts';
import { openReadSide, type ReadSide } from './read-side.ts';

const POSTINGS = 100;

let side: ReadSide;
let money: { userId: string; assetSlug: string; amount: string };
/** The time of the ledger, which stands still until it is moved. */
let now: string;

before(async () => {
  side = await openReadSide();
});

beforeEach(async () => {
  const { id: userId } = await registerUser(side.service);
  money = { userId, assetSlug: await createAsset(side.service), amount: '1' };
  await post('/transactions/topup', { ...money, amount: '1000000' });
  now = await moveClock(side.owner, 3_600);
});

after(() => side.close());

async function post(path: string, body: object): Promise<Reply> {
  const reply = await side.service.post(path, body);
  assert.ok([201, 202].includes(reply.status), reply.text);
  return reply;
}

function inSeconds(seconds: number): string {
  return new Date(Date.parse(now) + seconds * 1_000).toISOString();
}

/** Many at once, as the service takes them into few batches. */
async function many(count: number, path: string, body: object): Promise<void> {
  await Promise.all(Array.from({ length: count }, () => post(path, body)));
}

function heavy(count: number, seconds: number): Promise<void> {
  const { userId, assetSlug } = money;
  const posting = { from: { userId }, to: { system: 'fees' }, assetSlug, amount: '1' };
  const postings = Array.from({ length: POSTINGS }, () => posting);
  return many(count, '/transactions', { postings, executeAt: inSeconds(seconds) });
}

function work(items: readonly Due[]): number {
  return items.reduce((sum, item) => sum + (item.kind === 'schedule' ? item.postings : 1), 0);
}

function countOf(items: readonly Due[]): Record<string, number> {
  const byKind = Map.groupBy(items, ({ kind }) => kind);
  return Object.fromEntries([...byKind].map(([kind, all]) => [kind, all.length]));
}

/** What each look of one sweep took, all of it ended by the service; not the looks that only ask whether anything is due. */
async function sweepAll(): Promise<DueLook[]> {
  const looks: DueLook[] = [];
  const ended = new Set<Due>();
  const sweep = startSweep({
    due: async (except) => {
      const look = await dueItems(side.pool, side.ledgerId, except);
      looks.push(look);
      return look;
    },
    end: async (item) => {
      ended.add(item);
      await side.service.app.queue.submit(requestThatEnds(item));
    },
    wake: () => Promise.resolve(),
    log: pino({ level: 'silent' }),
  });
  await sweep.run();
  await sweep.close();
  return looks.filter(({ items }) => items.some((item) => ended.has(item)));
}

test('schedules of many postings that are due at once are taken by as many looks as they are work, all in one sweep', async () => {
  await heavy(60, 10);
  assert.deepEqual(await dueItems(side.pool, side.ledgerId, []), { items: [], more: false });
  await moveClock(side.owner, 60);
  const looks = await sweepAll();
  assert.deepEqual(
    looks.map(({ items, more }) => [work(items), more]),
    [
      [MAX_DUE_POSTINGS, true],
      [MAX_DUE_POSTINGS, true],
      [60 * POSTINGS - 2 * MAX_DUE_POSTINGS, false],
    ],
  );
  assert.deepEqual(await dueItems(side.pool, side.ledgerId, []), { items: [], more: false });
  const [found] = await side.rows(
    `select count(*)::int as executed, sum((e.data ->> 'outcome' = 'posted')::int)::int as posted
       from events e where e.ledger_id = $1 and e.type = 'scheduled.executed'`,
  );
  assert.deepEqual(found, { executed: 60, posted: 60 });
});

test('holds and bonuses that end do not wait behind them, though they were due later', async () => {
  await heavy(40, 10);
  await many(4, '/holds', { ...money, expiresInSeconds: 20 });
  await many(3, '/transactions/bonus', { ...money, expiresAt: inSeconds(30) });
  await moveClock(side.owner, 60);
  const [first, second, ...rest] = await sweepAll();
  assert.deepEqual(countOf(first!.items), { schedule: 24, hold: 4, lot: 3 });
  assert.deepEqual([countOf(second!.items), rest.length], [{ schedule: 16 }, 0]);
});

test('a schedule does not wait behind a flood of holds', async () => {
  await many(MAX_DUE + 1, '/holds', { ...money, expiresInSeconds: 10 });
  await many(2, '/transactions/spend', { ...money, executeAt: inSeconds(20) });
  await moveClock(side.owner, 60);
  const [first, second, ...rest] = await sweepAll();
  assert.deepEqual([countOf(first!.items), first!.more], [{ hold: MAX_DUE - 2, schedule: 2 }, true]);
  assert.deepEqual([countOf(second!.items), second!.more, rest.length], [{ hold: 3 }, false, 0]);
});
