/**
 * An event that one read model cannot take: it stops right in front of it, says so by name and position, skips
 * nothing, and the others go on. Once the event can be applied it goes on by itself.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import { projections } from '../../src/projections/catalog.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createAsset, registerUser, startService, type Service } from '../support/service.ts';
import { until } from '../support/until.ts';
import { pino } from 'pino';

type Status = {
  name: string;
  position: string;
  state: string;
  error: string | null;
  failedPosition: string | null;
};

/** Commands while nobody projects, so that the poison lies in the middle of one range. */
const COMMANDS = 40;
const POISONED = 'transactions';

let database: TestDatabase;
let owner: pg.Client;
let service: Service;
let money: { userId: string; assetSlug: string; amount: string };
const logged: Record<string, unknown>[] = [];

const log = pino(
  { level: 'error' },
  { write: (line: string) => void logged.push(JSON.parse(line) as Record<string, unknown>) },
);

before(async () => {
  database = await createTestDatabase();
  owner = await database.connect();
  service = await startService(database, { worker: false });
  const { id: userId } = await registerUser(service);
  money = { userId, assetSlug: await createAsset(service), amount: '10' };
});

after(async () => {
  await service.close();
  await owner.end();
  await database.drop();
});

/** Resolves to the position of each. */
async function topUps(count: number): Promise<bigint[]> {
  const positions: bigint[] = [];
  for (let index = 0; index < count; index += 1) {
    const reply = await service.post('/transactions/topup', money);
    assert.equal(reply.status, 201, reply.text);
    positions.push(BigInt(reply.body.position));
  }
  return positions;
}

async function statuses(): Promise<Status[]> {
  return (await service.get('/projections')).body.data as Status[];
}

async function statusOf(name: string): Promise<Status> {
  return (await statuses()).find((status) => status.name === name)!;
}

async function poison(position: bigint): Promise<void> {
  await owner.query(
    `alter table read.transactions_1 add constraint poison check (position <> ${position}) not valid`,
  );
}

test('it stands in front of the very event, says which, skips nothing, and the others reach the head', async () => {
  const positions = await topUps(COMMANDS);
  const poisoned = positions[COMMANDS >> 1]!;
  const head = positions.at(-1)!.toString();
  await poison(poisoned);
  await service.close();
  service = await startService(database, { log });
  const failed = await until('the alarm is given', async () => {
    const status = await statusOf(POISONED);
    return status.state === 'failed' && status;
  });
  assert.equal(failed.failedPosition, poisoned.toString());
  assert.equal(failed.position, (poisoned - 1n).toString());
  assert.match(failed.error!, /poison/);
  const { rows } = await owner.query<{ last: string; there: number }>(
    `select max(position)::text as last, count(*)::integer as there
       from read.transactions_1 where position between $1 and $2`,
    [positions[0], poisoned],
  );
  assert.deepEqual(rows[0], { last: (poisoned - 1n).toString(), there: COMMANDS >> 1 });
  await until('the others have reached the head', async () =>
    (await statuses()).every(({ name, position }) => name === POISONED || position === head),
  );
});

test('the alarm is a line in the log that names read model and position, and a figure in the metrics', async () => {
  const alarm = logged.find(({ msg }) => msg === 'a projection stands still');
  const { failedPosition } = await statusOf(POISONED);
  assert.deepEqual([alarm?.['projection'], alarm?.['position']], [POISONED, failedPosition]);
  await until('the figure is read', async () =>
    /^coffer_projections_failed(?:\{[^}]*\})? 1$/m.test((await service.get('/metrics')).text),
  );
});

test('a worker that starts anew stops at the same place, and writes go on', async () => {
  const before = await statusOf(POISONED);
  await service.close();
  service = await startService(database, { log });
  const [position] = await topUps(1);
  await until('the others have followed', async () =>
    (await statuses()).every((status) => status.name === POISONED || BigInt(status.position) >= position!),
  );
  const now = await statusOf(POISONED);
  assert.deepEqual([now.position, now.failedPosition], [before.position, before.failedPosition]);
});

test('once the event can be applied it goes on, and what it holds is what it would have held', async () => {
  await owner.query('alter table read.transactions_1 drop constraint poison');
  await until('it has caught up', async () => {
    const { state, error, failedPosition } = await statusOf(POISONED);
    return state === 'live' && error === null && failedPosition === null;
  });
  const { rows } = await owner.query<{ events: number; rows: number }>(
    `select (select count(*)::integer from events where type like 'transaction.%') as events,
            (select count(*)::integer from read.transactions_1) as rows`,
  );
  assert.equal(rows[0]!.rows, rows[0]!.events);
  assert.match((await service.get('/metrics')).text, /^coffer_projections_failed(?:\{[^}]*\})? 0$/m);
  assert.equal((await statuses()).length, projections.length);
});
