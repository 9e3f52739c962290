/** A log made up by the benchmark is one that the service could have written: nothing tells them apart. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type pg from 'pg';
import { createHistory, type HistoryOptions } from '../../bench/fill/history.ts';
import { fillLedger, LedgerNotEmptyError } from '../../bench/fill/fill-ledger.ts';
import { canonicalJson } from '../../src/events/canonical.ts';
import { evolveWithEntries } from '../../src/events/evolve.ts';
import { eventOfRow, EVENT_COLUMNS, type EventRow } from '../../src/events/read.ts';
import { emptyState } from '../../src/events/state.ts';
import { createPool } from '../../src/db/pool.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { assertLedgerIsSound } from '../support/ledger-facts.ts';
import { createAsset, registerUser, startService } from '../support/service.ts';

const EVENTS = 20_000;

let database: TestDatabase;
let owner: pg.Client;

before(async () => {
  database = await createTestDatabase();
  owner = await database.connect();
  await fillLedger({ url: database.url, events: EVENTS, log: () => undefined });
});

after(async () => {
  await owner.end();
  await database.drop();
});

/** Queries that find what must not be: each must come back empty. */
const faults: Readonly<Record<string, string>> = {
  'the head is elsewhere than the last event': `
select id
  from ledgers
 where head_position <> ${EVENTS}
    or head_recorded_at <> (select recorded_at from events order by position desc limit 1)
    or policy_version <> 1 + (select count(*) from events where type like '%.status_changed')`,
  'a wallet is not as its last entry left it': `
select w.id
  from wallets w
 cross join lateral (
        select balance_after, held_after
          from ledger_entries l
         where l.ledger_id = w.ledger_id
           and l.wallet_id = w.id
         order by l.position desc, l.leg desc
         limit 1
       ) l
 where w.balance <> l.balance_after
    or w.held <> l.held_after`,
  'a wallet was opened at another time than its event': `
select w.id
  from wallets w
  full join (select * from events where type = 'wallet.opened') e on (e.data ->> 'walletId')::uuid = w.id
 where w.opened_at is distinct from e.occurred_at`,
  'what is held of a wallet is not what its open holds have left': `
select w.id
  from wallets w
  left join (select wallet_id, sum(remaining) as held from holds group by wallet_id) h on h.wallet_id = w.id
 where w.held <> coalesce(h.held, 0)`,
  'a hold is not as its last event left it': `
select h.id
  from holds h
  full join (select distinct on (data -> 'hold' ->> 'holdId') data -> 'hold' as hold
               from events
              where type like 'hold.%'
              order by data -> 'hold' ->> 'holdId', position desc) e
    on (e.hold ->> 'holdId')::uuid = h.id
 where (h.status, h.captured::text, h.remaining::text)
       is distinct from (e.hold ->> 'status', e.hold ->> 'captured', e.hold ->> 'remaining')`,
  'a hold is left to be swept': "select id from holds where status = 'open' and expires_at is not null",
  'a digest is not that of the value beside the log': `
select e.position
  from events e
  left join personal p
    on p.subject_id = (e.data ->> 'userId')::uuid
   and p.field = 'email'
  left join users u on u.id = p.subject_id
 where e.type = 'user.registered'
   and (e.data ->> 'email' is null or p.value is null or u.created_at is distinct from e.occurred_at)`,
  'an event is from the future': 'select position from events where recorded_at > now()',
  'a read model differs from the ledger': `
select w.id
  from wallets w
  full join read.wallet_balances b on b.wallet_id = w.id
 where (w.balance, w.held) is distinct from (b.balance, b.held)`,
};

for (const [fault, sql] of Object.entries(faults)) {
  test(`it is not so that ${fault}`, async () => {
    assert.deepEqual((await owner.query(sql)).rows, []);
  });
}

test('it is sound as every ledger must be', () => assertLedgerIsSound(owner));

test('things of every kind happen in it', async () => {
  const { rows } = await owner.query<{ type: string }>('select distinct type from events order by type');
  assert.deepEqual(
    rows.map(({ type }) => type),
    [
      'asset.created',
      'hold.captured',
      'hold.expired',
      'hold.placed',
      'hold.released',
      'transaction.posted',
      'transaction.rejected',
      'user.registered',
      'user.status_changed',
      'wallet.opened',
      'wallet.status_changed',
    ],
  );
  const { rows: posted } = await owner.query<{ type: string }>(`
select distinct data ->> 'type' as type from events where type = 'transaction.posted' order by type`);
  assert.deepEqual(
    posted.map(({ type }) => type),
    ['bonus', 'reversal', 'sale', 'spend', 'topup', 'transfer'],
  );
});

test('every event can be read, and all of them folded from nothing give the wallets and their entries', async () => {
  const pool = createPool({
    url: database.url,
    name: 'test',
    max: 1,
    connectTimeoutMs: 3_000,
    statementTimeoutMs: 30_000,
    lockTimeoutMs: 3_000,
    idleInTransactionTimeoutMs: 3_000,
    onIdleError: () => undefined,
  });
  try {
    const { rows } = await pool.query<EventRow>(`select ${EVENT_COLUMNS} from events e order by e.position`);
    const state = emptyState();
    const entries = rows
      .map(eventOfRow)
      .flatMap((event) =>
        evolveWithEntries(state, event).map((entry) => ({ ...entry, position: event.position })),
      );
    const stored = await pool.query(`
select leg::integer, wallet_id as "walletId", asset_id as "assetId", seq, amount, balance_after as "balanceAfter",
       held_after as "heldAfter", position
  from ledger_entries order by position, leg`);
    assert.deepEqual(entries, stored.rows);
    const wallets = await pool.query<{
      id: string;
      balance: bigint;
      held: bigint;
      floor: bigint | null;
      seq: bigint;
    }>('select id, balance, held, floor, seq, status from wallets order by id');
    const folded = [...state.wallets.values()]
      .map(({ id, balance, held, floor, seq, status }) => ({ id, balance, held, floor, seq, status }))
      .sort((one, other) => (one.id < other.id ? -1 : 1));
    assert.deepEqual(folded, wallets.rows);
  } finally {
    await pool.end();
  }
});

test('the service goes on with it, and answers a request of it again as it was answered', async () => {
  const service = await startService(database);
  try {
    assert.equal(await service.app.seed(), false);
    assert.equal((await service.get('/ready')).status, 200);
    const { rows } = await owner.query<{ key: string; data: string; position: string }>(`
select idempotency_key as key, data::text as data, position
  from events
 where type = 'transaction.posted'
   and data ->> 'type' = 'transfer'
   and data -> 'metadata' ->> 'order' is not null
   and data ->> 'reference' is not null
 order by position desc
 limit 1`);
    const { key, data, position } = rows[0]!;
    const { userId, toUserId, asset, amount, reference, metadata } = JSON.parse(data);
    const body = { fromUserId: userId, toUserId, assetSlug: asset, amount, reference, metadata };
    const replayed = await service.post('/transactions/transfer', body, key);
    assert.equal(replayed.status, 201, replayed.text);
    assert.equal(replayed.headers['idempotent-replayed'], 'true');
    assert.equal(replayed.body.position, position);

    const { rows: users } = await owner.query<{ id: string; slug: string; balance: string }>(`
select w.owner as id, a.slug, w.balance
  from wallets w
  join assets a on a.id = w.asset_id and a.status = 'ACTIVE'
  join users u on u.id::text = w.owner and u.status = 'ACTIVE'
 where w.status = 'ACTIVE'
   and w.balance > 0
 limit 1`);
    const [user] = users;
    const toppedUp = await service.post('/transactions/topup', {
      userId: user!.id,
      assetSlug: user!.slug,
      amount: '7',
    });
    assert.equal(toppedUp.status, 201, toppedUp.text);
    assert.equal(toppedUp.body.position, (EVENTS + 1).toString());
    const balance = await service.get(`/wallets/${user!.id}/${user!.slug}/balance?atLeast=${EVENTS + 1}`);
    assert.equal(balance.body.balance, (BigInt(user!.balance) + 7n).toString());
    await registerUser(service);
    await createAsset(service);
    await assertLedgerIsSound(owner);
  } finally {
    await service.close();
  }
});

test('a ledger in which something has happened is left as it is', async () => {
  const before = await owner.query('select head_position, head_recorded_at from ledgers');
  await assert.rejects(
    fillLedger({ url: database.url, events: 10, log: () => undefined }),
    LedgerNotEmptyError,
  );
  assert.deepEqual(
    (await owner.query('select head_position, head_recorded_at from ledgers')).rows,
    before.rows,
  );
});

describe('A made-up history', () => {
  const options: HistoryOptions = { events: 3_000, seed: 7, startMs: 1_700_000_000_000, randomKeys: false };

  function told(changed: Partial<HistoryOptions>): string[] {
    const history = createHistory({ ...options, ...changed });
    const lines: string[] = [];
    for (let events = history.next(); events.length > 0; events = history.next())
      for (const { event, key, recordedAt } of events)
        lines.push(canonicalJson([event.id, event.data, key?.text ?? null, recordedAt]));
    return lines;
  }

  test('is the same for the same seed, and another for another one', () => {
    assert.deepEqual(told({}), told({}));
    assert.notDeepEqual(told({ seed: 8 }), told({}));
  });

  test('has as many events as were asked for, however few', () => {
    for (const events of [1, 2, 3, 7, 8, 9, 10, 11, 50, 777]) assert.equal(told({ events }).length, events);
  });

  test('has keys that grow with time, unless random ones were asked for', () => {
    const keys = (changed: Partial<HistoryOptions>) =>
      told(changed).flatMap((line) => {
        const key = (JSON.parse(line) as (string | null)[])[2];
        return typeof key === 'string' ? [key.slice(0, 13)] : [];
      });
    assert.deepEqual(keys({}), keys({}).toSorted());
    assert.notDeepEqual(keys({ randomKeys: true }), keys({ randomKeys: true }).toSorted());
  });
});
