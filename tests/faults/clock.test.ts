/**
 * The database's clock is set back and forward. The service knows no other clock for what it decides and records, and
 * asks it by name, so a function of that name in front of PostgreSQL's own on the search path is another clock for
 * whole processes, which no setting of the machine has to be touched for.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { assertLedgerIsSound } from '../support/ledger-facts.ts';
import { createAsset, registerUser, startService, type Service } from '../support/service.ts';
import { until } from '../support/until.ts';

const HOUR = 3_600;

let database: TestDatabase;
let owner: pg.Client;
let service: Service;
let money: { userId: string; assetSlug: string; amount: string };

before(async () => {
  database = await createTestDatabase();
  owner = await database.connect();
  const name = new URL(database.url).pathname.slice(1);
  await owner.query(`
create schema moved_clock;
create table moved_clock.shift (seconds numeric not null);
insert into moved_clock.shift values (0);
create function moved_clock.clock_timestamp() returns timestamptz language sql volatile as
  $$ select pg_catalog.clock_timestamp() + (select seconds from moved_clock.shift) * interval '1 second' $$;
-- A schema that a role may not use is passed over in silence.
grant usage on schema moved_clock to public;
grant select on moved_clock.shift to public;
alter database ${name} set search_path = moved_clock, pg_catalog, public`);
  service = await startService(database);
  const { id: userId } = await registerUser(service);
  money = { userId, assetSlug: await createAsset(service), amount: '10' };
});

after(async () => {
  await service.close();
  await owner.end();
  await database.drop();
});

async function shiftClock(seconds: number): Promise<void> {
  await owner.query('update moved_clock.shift set seconds = $1', [seconds]);
}

async function topUp(): Promise<{ position: bigint; recordedAt: string }> {
  const { status, text, body } = await service.post('/transactions/topup', money);
  assert.equal(status, 201, text);
  return { position: BigInt(body.position), recordedAt: String(body.recordedAt) };
}

async function hold(expiresInSeconds: number): Promise<string> {
  const { status, text, body } = await service.post('/holds', { ...money, amount: '1', expiresInSeconds });
  assert.equal(status, 201, text);
  return String(body.holdId);
}

async function endingsOf(holdId: string): Promise<string[]> {
  const { rows } = await owner.query<{ type: string }>(
    `select type from events where type like 'hold.%' and type <> 'hold.placed' and data::jsonb #>> '{hold,holdId}' = $1`,
    [holdId],
  );
  return rows.map(({ type }) => type);
}

test('the clock that the tests move is the one that the service goes by', async () => {
  const before = await topUp();
  await shiftClock(HOUR);
  // What it knows of its last batch it uses for some seconds: another writer makes it look again.
  await owner.query('update ledgers set policy_version = policy_version + 1');
  const later = await topUp();
  const gapMs = Date.parse(later.recordedAt) - Date.parse(before.recordedAt);
  assert.ok(gapMs >= (HOUR - 1) * 1_000, `${gapMs} ms`);
});

test('set back by an hour: positions go on, and no time is before the one recorded last', async () => {
  let last = await topUp();
  await shiftClock(0);
  for (let index = 0; index < 20; index += 1) {
    const next = await topUp();
    assert.equal(next.position, last.position + 1n);
    assert.ok(next.recordedAt >= last.recordedAt, `${next.recordedAt} after ${last.recordedAt}`);
    last = next;
  }
  await service.close();
  service = await startService(database);
  const anew = await topUp();
  assert.ok(anew.recordedAt >= last.recordedAt, 'by a process that knows nothing of before, neither');
});

test('set forward: what is due ends once, and set back and forward again it does not end again', async () => {
  const [short, long] = [await hold(60), await hold(30 * HOUR)];
  await shiftClock(2 * HOUR);
  await until('the hold has expired', async () => (await endingsOf(short)).length > 0);
  for (const seconds of [0, 3 * HOUR, -HOUR, 4 * HOUR]) {
    await shiftClock(seconds);
    await topUp();
  }
  const { position } = await topUp();
  await until('the worker has gone on', async () => {
    const { body } = await service.get('/projections');
    return body.data.every((each: { position: string }) => BigInt(each.position) >= position);
  });
  assert.deepEqual(await endingsOf(short), ['hold.expired']);
  assert.deepEqual(await endingsOf(long), []);
  assert.equal((await service.post(`/holds/${short}/capture`, {})).body.code, 'hold_closed');
  assert.equal((await service.post(`/holds/${long}/capture`, {})).status, 201);
});

test('after all of this the ledger is sound', () => assertLedgerIsSound(owner));
