/** What auditors query by name, and what the log is made of. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import fc from 'fast-check';
import { canonicalJson } from '../../src/events/canonical.ts';
import { keyHash, keyHashOf } from '../../src/events/key-hash.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { assertLedgerIsSound } from '../support/ledger-facts.ts';
import { bodyOf, freshName, newAsset, openWriteSide, type WriteSide } from '../support/write-side.ts';

let database: TestDatabase;
let owner: pg.Client;
let side: WriteSide;

before(async () => {
  database = await createTestDatabase();
  owner = await database.connect();
  side = openWriteSide(database.url);
});

after(async () => {
  await side.close();
  await owner.end();
  await database.drop();
});

/** Names that are part of the contract: DESIGN.md, section 3. */
const tables: Readonly<Record<string, { key: string; columns: string }>> = {
  ledgers: { key: 'id', columns: 'id slug head_position head_recorded_at policy_version' },
  users: { key: 'ledger_id id', columns: 'ledger_id id status' },
  assets: { key: 'ledger_id id', columns: 'ledger_id id status slug scale supply_cap' },
  personal: { key: 'ledger_id subject_id field', columns: 'ledger_id subject_id field value salt' },
  wallets: {
    key: 'ledger_id id',
    columns: 'ledger_id id owner is_system asset_id balance held floor seq status next_due_at limits',
  },
  idempotency_keys: { key: 'ledger_id key_hash', columns: 'ledger_id key_hash position' },
  events: {
    key: 'ledger_id position',
    columns:
      'ledger_id position id type version idempotency_key fingerprint actor correlation_id related_id data occurred_at recorded_at effective_at',
  },
  ledger_entries: {
    key: 'ledger_id position leg',
    columns: 'ledger_id position leg wallet_id asset_id seq amount balance_after held_after recorded_at',
  },
  audit_checkpoints: {
    key: 'ledger_id incarnation tree_size',
    columns: 'ledger_id incarnation tree_size origin root_hash note sealed_at',
  },
  audit_keys: { key: 'ledger_id number', columns: 'ledger_id number vkey added_at' },
};

for (const [table, expected] of Object.entries(tables)) {
  test(`${table} has the key and the columns that auditors rely on`, async () => {
    const columns = await owner.query<{ column_name: string }>(
      "select column_name from information_schema.columns where table_schema = 'public' and table_name = $1",
      [table],
    );
    const names = new Set(columns.rows.map(({ column_name: name }) => name));
    assert.deepEqual(
      expected.columns.split(' ').filter((name) => !names.has(name)),
      [],
    );
    const key = await owner.query<{ key: string }>(
      `select string_agg(a.attname, ' ' order by array_position(i.indkey::smallint[], a.attnum)) as key
         from pg_index i
         join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
        where i.indrelid = $1::regclass and i.indisprimary`,
      [`public.${table}`],
    );
    assert.equal(key.rows[0]?.key, expected.key);
  });
}

test('the log can be partitioned by position: no foreign keys, and no unique index that lacks it', async () => {
  const { rows } = await owner.query(`
select conrelid::regclass::text as table, conname as name
  from pg_constraint
 where contype = 'f' and (conrelid in ('events'::regclass, 'ledger_entries'::regclass)
                          or confrelid in ('events'::regclass, 'ledger_entries'::regclass))
 union all
select i.indrelid::regclass::text, i.indexrelid::regclass::text
  from pg_index i
 where i.indrelid in ('events'::regclass, 'ledger_entries'::regclass)
   and i.indisunique
   and not exists (select 1 from pg_attribute a
                    where a.attrelid = i.indrelid and a.attnum = any (i.indkey) and a.attname = 'position')`);
  assert.deepEqual(rows, []);
});

test('amounts are numeric(38,0), times are whole milliseconds, data is json and keeps its bytes', async () => {
  const { rows } = await owner.query<{ name: string; type: string }>(`
select a.attrelid::regclass || '.' || a.attname as name, format_type(a.atttypid, a.atttypmod) as type
  from pg_attribute a
 where a.attrelid in ('events'::regclass, 'ledger_entries'::regclass, 'wallets'::regclass)
   and a.attname in ('data', 'amount', 'balance', 'held', 'floor', 'balance_after', 'held_after', 'recorded_at', 'occurred_at')`);
  const types = Object.fromEntries(rows.map(({ name, type }) => [name, type]));
  assert.equal(types['events.data'], 'json');
  for (const name of ['events.recorded_at', 'events.occurred_at', 'ledger_entries.recorded_at']) {
    assert.equal(types[name], 'timestamp(3) with time zone');
  }
  const amounts = ['ledger_entries.amount', 'ledger_entries.balance_after', 'ledger_entries.held_after'];
  for (const name of [...amounts, 'wallets.balance', 'wallets.held', 'wallets.floor']) {
    assert.equal(types[name], 'numeric(38,0)');
  }
});

test('what identifies a person is beside the log and nowhere in it', async () => {
  const assetSlug = await newAsset(side);
  const local = freshName('Very.Private');
  const passport = `passport ${freshName('number')}`;
  const user = bodyOf(await side.submit({ kind: 'user.register', email: `${local}@example.com` }));
  const userId = String(user.id);
  assert.equal(user.email, `${local}@example.com`.toLowerCase());
  await side.submit({ kind: 'user.status', userId, status: 'BANNED' });
  await side.submit({ kind: 'user.status', userId, status: 'ACTIVE' });
  const metadata = { passport, order: 'A-1' };
  const money = { userId, assetSlug, amount: '7', metadata, personalMetadata: ['passport'] };
  const paid = bodyOf(await side.submit({ kind: 'topup', ...money }));
  assert.deepEqual(paid.metadata, metadata);
  await side.submit({ kind: 'spend', ...money, amount: '8' });
  for (const secret of [local, passport]) {
    const { rows } = await owner.query(
      'select position from events e where strpos(lower(e::text), lower($1)) > 0 or strpos(encode(e.fingerprint, $2), $1) > 0',
      [secret, 'escape'],
    );
    assert.deepEqual(rows, [], secret);
    const kept = await owner.query('select 1 from personal where subject_id = $1 and lower(value) like $2', [
      userId,
      `%${secret.toLowerCase()}%`,
    ]);
    assert.ok(kept.rows.length > 0, 'it is kept beside the log');
  }
});

test('the data of every event is canonical to the byte, without numbers, whatever text it holds', async () => {
  const assetSlug = await newAsset(side);
  const userId = String(
    bodyOf(await side.submit({ kind: 'user.register', email: `${freshName('u')}@example.com` })).id,
  );
  const metadata = {
    'b"\\/': '\u2028 é 😀 \u0001',
    a: 'ﬁ',
    é: '',
    '10': 'ten',
    '9': 'nine',
    '{}': '[1, 2.50]',
  };
  const key = freshName('key');
  const reference = 'Zürich "№ 7"\t\n';
  bodyOf(await side.submit({ kind: 'topup', userId, assetSlug, amount: '7', metadata, reference }, key));
  const { rows } = await owner.query<{ data: string; key: string | null }>(
    'select data::text as data, idempotency_key as key from events',
  );
  assert.ok(rows.length > 3);
  for (const { data } of rows) {
    assert.equal(data, canonicalJson(JSON.parse(data)));
    JSON.parse(data, (_name, value: unknown) => {
      assert.notEqual(typeof value, 'number', data);
      return value;
    });
  }
  const stored = JSON.parse(rows.find((row) => row.key === key)!.data) as {
    metadata: unknown;
    reference: unknown;
  };
  assert.deepEqual([stored.metadata, stored.reference], [metadata, reference]);
});

test('after all of this the ledger is sound', () => assertLedgerIsSound(owner));

test('the database computes the primary key of a remembered key as the service does', async () => {
  const ascii = fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 200 });
  const keys = fc.sample(ascii, 200).filter((key) => !key.includes('\0'));
  const edges = [15, 16, 17].map((length) => 'k'.repeat(length));
  const all = [...keys, ...edges];
  const { rows } = await owner.query<{ hash: Buffer }>(
    `select ${keyHashOf('k.bytes')} as hash
       from unnest($1::text[]) with ordinality as given (key, place)
      cross join lateral (select convert_to(given.key, 'UTF8') as bytes) k
      order by given.place`,
    [all],
  );
  assert.deepEqual(
    rows.map(({ hash }) => hash),
    all.map((key) => keyHash(key)),
  );
});
