/** The database keeps the rules against a client that bypasses the service: each breach is refused, nothing changes. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { assertLedgerIsSound, walletIdOf } from '../support/ledger-facts.ts';
import { bodyOf, newAsset, newUser, openWriteSide } from '../support/write-side.ts';

let database: TestDatabase;
let owner: pg.Client;
let seen: {
  goldWallet: string;
  goldTreasury: string;
  gold: string;
  silver: string;
  user: string;
  head: string;
};

const PROTECTED = [
  'events',
  'ledger_entries',
  'idempotency_keys',
  'wallets',
  'users',
  'assets',
  'personal',
  'ledgers',
];

before(async () => {
  database = await createTestDatabase();
  owner = await database.connect();
  const side = openWriteSide(database.url);
  try {
    const [gold, silver] = [await newAsset(side), await newAsset(side, { supplyCap: '1000' })];
    const user = await newUser(side, { assetSlug: gold, amount: '100' });
    bodyOf(await side.submit({ kind: 'topup', userId: user, assetSlug: silver, amount: '50' }));
    const { rows } = await owner.query<{ slug: string; id: string }>('select slug, id from assets');
    const idOf = (slug: string) => rows.find((row) => row.slug === slug)!.id;
    const head = await owner.query<{ head: string }>('select head_position::text as head from ledgers');
    seen = {
      goldWallet: await walletIdOf(owner, user, gold),
      goldTreasury: await walletIdOf(owner, 'treasury', gold),
      gold: idOf(gold),
      silver: idOf(silver),
      user,
      head: head.rows[0]!.head,
    };
  } finally {
    await side.close();
  }
});

after(async () => {
  await owner.end();
  await database.drop();
});

/** Everything the write side keeps, row by row. */
async function everything(): Promise<unknown[]> {
  const tables = [];
  for (const table of PROTECTED) {
    const { rows } = await owner.query(`select t::text as row from ${table} t order by 1`);
    tables.push([table, rows]);
  }
  return tables;
}

async function assertRefused(sqlState: string, sql: string, values: readonly unknown[] = []): Promise<void> {
  const before = await everything();
  await assert.rejects(owner.query(sql, [...values]), { code: sqlState });
  assert.deepEqual(await everything(), before);
}

const INSERT_ENTRIES = `
insert into ledger_entries (ledger_id, position, leg, wallet_id, asset_id, seq, amount, balance_after, held_after, recorded_at)
select 1, e.position, e.leg, $1::uuid, e.asset_id, 9, e.amount, 0, 0, now()
  from json_to_recordset($2::json) as e (position bigint, leg smallint, asset_id uuid, amount numeric)`;

type Leg = { position: number; leg: number; asset_id: string; amount: number };

function insertEntries(legs: readonly Leg[]): [string, unknown[]] {
  return [INSERT_ENTRIES, [seen.goldWallet, JSON.stringify(legs)]];
}

const CHECK_VIOLATION = '23514';
const UNIQUE_VIOLATION = '23505';
const INTEGRITY_VIOLATION = '23000';

test('entries that do not sum to zero are refused', async () => {
  const leg = { position: 900, asset_id: seen.gold };
  await assertRefused(CHECK_VIOLATION, ...insertEntries([{ ...leg, leg: 0, amount: 5 }]));
  await assertRefused(
    CHECK_VIOLATION,
    ...insertEntries([
      { ...leg, leg: 0, amount: -5 },
      { ...leg, leg: 1, amount: 6 },
    ]),
  );
});

test('entries that sum to zero only across two assets are refused', async () => {
  await assertRefused(
    CHECK_VIOLATION,
    ...insertEntries([
      { position: 900, leg: 0, asset_id: seen.gold, amount: -5 },
      { position: 900, leg: 1, asset_id: seen.silver, amount: 5 },
    ]),
  );
});

test('entries that sum to zero only across two events are refused', async () => {
  await assertRefused(
    CHECK_VIOLATION,
    ...insertEntries([
      { position: 900, leg: 0, asset_id: seen.gold, amount: -5 },
      { position: 901, leg: 0, asset_id: seen.gold, amount: 5 },
    ]),
  );
});

test('entries that balance are not refused: the guard is no wall', async () => {
  await owner.query('begin');
  try {
    const [sql, values] = insertEntries([
      { position: 900, leg: 0, asset_id: seen.gold, amount: -5 },
      { position: 900, leg: 1, asset_id: seen.gold, amount: 5 },
      { position: 901, leg: 0, asset_id: seen.silver, amount: 0 },
    ]);
    assert.equal((await owner.query(sql, values)).rowCount, 3);
  } finally {
    await owner.query('rollback');
  }
});

test("a user's wallet below zero, or below what is held, is refused", async () => {
  const { goldWallet } = seen;
  await assertRefused(CHECK_VIOLATION, 'update wallets set balance = -1 where id = $1', [goldWallet]);
  await assertRefused(CHECK_VIOLATION, 'update wallets set held = 101 where id = $1', [goldWallet]);
  await assertRefused(CHECK_VIOLATION, 'update wallets set held = 60, balance = 59 where id = $1', [
    goldWallet,
  ]);
  await assertRefused(CHECK_VIOLATION, 'update wallets set floor = 101 where id = $1', [goldWallet]);
  await assertRefused(CHECK_VIOLATION, 'update wallets set held = -1 where id = $1', [goldWallet]);
});

test('a treasury below its supply cap is refused; one without a cap has no bound', async () => {
  await assertRefused(
    CHECK_VIOLATION,
    "update wallets set balance = -1001 where owner = 'treasury' and asset_id = $1",
    [seen.silver],
  );
  await owner.query('begin');
  const { rowCount } = await owner.query('update wallets set balance = -1001 where id = $1', [
    seen.goldTreasury,
  ]);
  await owner.query('rollback');
  assert.equal(rowCount, 1);
});

test('a balance of more than 38 digits is refused', async () => {
  await assertRefused('22003', 'update wallets set balance = $1::numeric', [`1${'0'.repeat(38)}`]);
});

for (const table of ['events', 'ledger_entries', 'idempotency_keys']) {
  test(`what is in ${table} is neither changed nor removed, not even by a statement that finds no row`, async () => {
    await assertRefused(INTEGRITY_VIOLATION, `update ${table} set position = position`);
    await assertRefused(INTEGRITY_VIOLATION, `update ${table} set position = 0 where false`);
    await assertRefused(INTEGRITY_VIOLATION, `delete from ${table}`);
    await assertRefused(INTEGRITY_VIOLATION, `delete from ${table} where position = 1`);
    await assertRefused(INTEGRITY_VIOLATION, `truncate ${table}`);
    await assertRefused(INTEGRITY_VIOLATION, `truncate wallets, ${table} cascade`);
  });
}

test('a key that is remembered is not given away again', async () => {
  await assertRefused(
    UNIQUE_VIOLATION,
    'insert into idempotency_keys select ledger_id, key_hash, 900 from idempotency_keys limit 1',
  );
});

test('a position that is taken is not given away again, to an event or an entry', async () => {
  await assertRefused(
    UNIQUE_VIOLATION,
    `insert into events (ledger_id, position, id, type, version, actor, data, occurred_at, recorded_at)
     values (1, $1, $2, 'user.registered', 1, 'intruder', '{}', now(), now())`,
    [seen.head, randomUUID()],
  );
  await assertRefused(
    UNIQUE_VIOLATION,
    'insert into ledger_entries select * from ledger_entries where position = $1',
    [seen.head],
  );
});

test('a second wallet of one owner and asset is refused, with or without the first one’s id', async () => {
  for (const id of [randomUUID(), seen.goldWallet]) {
    await assertRefused(
      UNIQUE_VIOLATION,
      `insert into wallets (ledger_id, id, owner, is_system, asset_id, opened_at)
       select ledger_id, $2, owner, is_system, asset_id, now() from wallets where id = $1`,
      [seen.goldWallet, id],
    );
  }
});

test('a second user with an e-mail, and a second asset with a slug, are refused', async () => {
  await assertRefused(
    UNIQUE_VIOLATION,
    "insert into personal select ledger_id, $1, field, value, salt from personal where field = 'email'",
    [randomUUID()],
  );
  await assertRefused(
    UNIQUE_VIOLATION,
    `insert into assets (ledger_id, id, slug, name, scale, status, created_at)
     select ledger_id, $1, slug, 'again', 0, 'ACTIVE', now() from assets limit 1`,
    [randomUUID()],
  );
});

test('after all of this the ledger is sound', () => assertLedgerIsSound(owner));
