/**
 * What stands beside the log, rewritten by a superuser: entries, keys, heads and read models. All is spoiled in one copy of a ledger,
 * in places of its own each; every place has to be found, with what was looked at, and nothing else blamed.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { CheckName, Finding } from '../../src/audit/fold/finding.ts';
import type { Verdict } from '../../src/audit/fold/verdict.ts';
import { openFilledLedger, verifyAll, type Copy, type FilledLedger } from './filled-ledger.ts';

const EVENTS = 1_500;

/** What a query for a place to spoil has found. */
type Place = Readonly<Record<string, string>>;

type Spoiling = {
  readonly what: string;
  /** Finds a place, as a row of texts. */
  readonly where: string;
  readonly spoil: (place: Place) => string;
  readonly check: CheckName;
  /** Of the finding; the place's own without. */
  readonly position?: string | null;
  readonly walletId?: string | null;
  /** In what was expected of the finding. */
  readonly names?: (place: Place) => string;
};

/** The n-th wallet of users that has money, so that each spoiling has one of its own. */
const wallet = (nth: number): string => `
select id as "walletId" from wallets where not is_system and balance > 0 order by id offset ${nth} limit 1`;

/** The last entries of their wallets, so that no later one contradicts them too. */
const lastEntry = (nth: number): string => `
select e.position, e.leg, e.wallet_id as "walletId"
  from ledger_entries e join wallets w on w.id = e.wallet_id and w.seq = e.seq
 where not w.is_system and e.seq > 1 and e.amount <> 0 and e.position > 100 order by e.position offset ${nth} limit 1`;
const entry = ({ position, leg }: Place): string => `where position = ${position} and leg = ${leg}`;

const ENTRIES: readonly Spoiling[] = [
  ...['balance_after', 'held_after', 'seq', 'amount'].map((column, nth): Spoiling => ({
    what: `an entry with another ${column}`,
    where: lastEntry(nth),
    spoil: (at) => `update ledger_entries set ${column} = ${column} + 1 ${entry(at)}`,
    check: 'entries',
  })),
  {
    what: 'an entry whose amount is no number',
    where: lastEntry(4),
    spoil: (at) => `update ledger_entries set amount = 'NaN' ${entry(at)}`,
    check: 'entries',
  },
  {
    what: 'an entry of another wallet',
    where: lastEntry(5),
    spoil: (at) => `update ledger_entries set wallet_id = gen_random_uuid() ${entry(at)}`,
    check: 'entries',
  },
  {
    what: 'an entry of another asset',
    where: lastEntry(6),
    spoil: (at) => `update ledger_entries set asset_id = gen_random_uuid() ${entry(at)}`,
    check: 'entries',
  },
  {
    what: 'an entry recorded at another time',
    where: lastEntry(7),
    spoil: (at) =>
      `update ledger_entries set recorded_at = recorded_at + interval '1 millisecond' ${entry(at)}`,
    check: 'entries',
  },
  {
    what: 'an entry recorded at no time at all',
    where: lastEntry(8),
    spoil: (at) => `update ledger_entries set recorded_at = 'infinity' ${entry(at)}`,
    check: 'entries',
  },
  {
    what: 'a deleted entry',
    where: lastEntry(9),
    spoil: (at) => `delete from ledger_entries ${entry(at)}`,
    check: 'entries',
    walletId: null,
  },
  {
    what: 'an added entry',
    where: lastEntry(10),
    spoil: ({ position }) => `
insert into ledger_entries
select ledger_id, position, 9, wallet_id, asset_id, seq, amount, balance_after, held_after, recorded_at
  from ledger_entries where position = ${position} and leg = 0`,
    check: 'entries',
    walletId: null,
  },
  {
    what: 'entries of an event that moves nothing',
    where: `
select e.position, l.wallet_id as "walletId"
  from events e, ledger_entries l
 where e.type = 'user.registered' and e.position > 200 and l.position = 100 and l.leg = 0 order by e.position limit 1`,
    spoil: ({ position }) => `
insert into ledger_entries
select ledger_id, ${position}, leg, wallet_id, asset_id, seq, amount, balance_after, held_after, recorded_at
  from ledger_entries where position = 100`,
    check: 'entries',
    walletId: null,
  },
  {
    what: 'entries beyond the head',
    where: `select ${EVENTS + 5}::text as position`,
    spoil: ({ position }) => `
insert into ledger_entries
select ledger_id, ${position}, leg, wallet_id, asset_id, seq, amount, balance_after, held_after, recorded_at
  from ledger_entries where position = 100`,
    check: 'entries',
  },
];

const key = (nth: number): string => `
select e.position, encode(k.key_hash, 'hex') as key
  from idempotency_keys k join events e on e.position = k.position order by e.position offset ${nth} limit 1`;

const KEYS: readonly Spoiling[] = [
  {
    what: 'a key that points elsewhere',
    where: key(20),
    spoil: ({ key: hash }) =>
      `update idempotency_keys set position = position + 1 where key_hash = '\\x${hash}'`,
    check: 'keys',
  },
  {
    what: 'a deleted key',
    where: key(30),
    spoil: ({ key: hash }) => `delete from idempotency_keys where key_hash = '\\x${hash}'`,
    check: 'keys',
  },
  {
    what: 'added keys, of which there are too many then',
    where: 'select null as position',
    spoil: () => `
insert into idempotency_keys select 1, sha256('a'), 40 union all select 1, sha256('b'), 41`,
    check: 'keys',
    names: () => '1400 keys',
  },
  {
    what: 'keys of events that are not there',
    where: 'select null as position',
    spoil: () => `
insert into idempotency_keys select 1, sha256('c'), ${EVENTS + 1} union all select 1, sha256('d'), 0`,
    check: 'keys',
    names: () => 'keys of events',
  },
];

const WALLETS: readonly Spoiling[] = [
  'balance = balance + 1',
  'held = held + 1',
  'floor = -1',
  'seq = seq + 1',
  `status = 'FROZEN'`,
  `owner = 'somebody'`,
  'asset_id = gen_random_uuid()',
  `balance = 'NaN'`,
].map((change, nth) => ({
  what: `wallets: a row with ${change}`,
  where: wallet(nth),
  spoil: ({ walletId }) => `update wallets set ${change} where id = '${walletId}'`,
  check: 'wallets',
  position: EVENTS.toString(),
}));

/** Rows of a table, in the order of a column: one changed, one deleted, one added, one there twice. */
function rowsOf(of: {
  table: string;
  check: CheckName;
  key: string;
  change: string;
  /** What is different in the row that is added. */
  added: string;
  where?: string;
  /** Rows to leave out. */
  from?: number;
}): Spoiling[] {
  const { table, check, key: column, change, added, where = 'true', from = 0 } = of;
  const position = EVENTS.toString();
  const row = (nth: number): string =>
    `select ${column}::text as key, ctid::text from ${table} where ${where} order by ${column} offset ${from + nth} limit 1`;
  const insertLike = ({ ctid }: Place, overrides: string): string => `
create temporary table one as select * from ${table} where ctid = '${ctid}';
update one set ${overrides};
insert into ${table} select * from one;
drop table one`;
  const ofRow = { check, position, names: (place: Place): string => String(place['key']) };
  return [
    {
      ...{ ...ofRow, what: `${table}: a changed row`, where: row(0) },
      spoil: ({ ctid }) => `update ${table} set ${change} where ctid = '${ctid}'`,
    },
    {
      ...{ ...ofRow, what: `${table}: a deleted row`, where: row(1) },
      spoil: ({ ctid }) => `delete from ${table} where ctid = '${ctid}'`,
    },
    {
      ...{ ...ofRow, what: `${table}: an added row`, where: row(2), names: () => 'no row' },
      spoil: (place) => insertLike(place, added),
    },
    {
      ...{ ...ofRow, what: `${table}: a row that is there twice`, where: row(3) },
      spoil: (place) => insertLike(place, 'ledger_id = 1'),
    },
  ];
}

const OPEN = `status = 'open'`;
const newId = 'id = gen_random_uuid()';

const WRITTEN: readonly Spoiling[] = [
  ...WALLETS,
  ...rowsOf({
    ...{ table: 'wallets', check: 'wallets', key: 'id', from: 20 },
    ...{ change: `status = 'FROZEN'`, added: newId },
  }),
  ...rowsOf({
    ...{ table: 'users', check: 'wallets', key: 'id' },
    ...{ change: `status = 'BANNED'`, added: newId },
  }),
  ...rowsOf({
    ...{ table: 'holds', check: 'hold_heads', key: 'id', where: OPEN },
    ...{ change: 'captured = captured + 1', added: newId },
  }),
];

const READ: readonly Spoiling[] = [
  ...rowsOf({
    ...{ table: 'read.wallet_balances_1', check: 'read_models', key: 'wallet_id' },
    ...{ change: 'balance = balance - 1', added: 'wallet_id = gen_random_uuid()' },
  }),
  ...rowsOf({
    ...{ table: 'read.wallets_1', check: 'read_models', key: 'id', from: 4 },
    ...{ change: 'position = position + 1', added: newId },
  }),
  ...rowsOf({
    ...{ table: 'read.users_1', check: 'read_models', key: 'id' },
    ...{ change: `created_at = created_at + interval '1 day'`, added: newId },
  }),
  ...rowsOf({
    ...{ table: 'read.assets_1', check: 'read_models', key: 'slug' },
    ...{ change: `scale = scale + 1`, added: `slug = 'pyrite'` },
  }),
  ...rowsOf({
    ...{ table: 'read.holds_1', check: 'read_models', key: 'id', where: OPEN },
    ...{ change: 'remaining = remaining - 1', added: newId },
  }),
  ...rowsOf({
    ...{ table: 'read.asset_activity_1', check: 'read_models', key: `to_char(hour, 'YYYY-MM-DD"T"HH24')` },
    ...{ change: 'volume = volume + 1', added: `hour = hour + interval '30 minutes'` },
  }),
  {
    what: 'read.transactions: a changed row',
    where: 'select position from read.transactions order by position offset 50 limit 1',
    spoil: ({ position }) =>
      `update read.transactions set type = 'bonus', reference = 'forged' where position = ${position}`,
    check: 'read_models',
  },
  {
    what: 'read.transactions: a deleted row',
    where: 'select position from read.transactions order by position offset 51 limit 1',
    spoil: ({ position }) => `delete from read.transactions where position = ${position}`,
    check: 'read_models',
  },
  {
    what: 'read.transactions: a row of what is no transaction',
    where: `select position from events where type = 'user.registered' order by position offset 3 limit 1`,
    spoil: ({ position }) => `insert into read.transactions values (1, ${position}, 'topup', 'posted')`,
    check: 'read_models',
  },
  {
    what: 'read.transactions: a row beyond where it stands',
    where: `select ${EVENTS + 9}::text as position`,
    spoil: ({ position }) => `insert into read.transactions values (1, ${position}, 'topup', 'posted')`,
    check: 'read_models',
  },
  {
    what: 'read.holds: a changed row of a hold that has ended',
    where: `
select h.id as key, h.wallet_id as "walletId", max(e.position)::text as position
  from holds h join events e on e.data -> 'hold' ->> 'holdId' = h.id::text
 where h.status <> 'open' group by h.ledger_id, h.id, h.wallet_id order by h.id limit 1`,
    spoil: ({ key: id }) => `update read.holds set captured = captured + 1 where id = '${id}'`,
    check: 'read_models',
  },
];

/** The assets are in a copy of their own: the totals of an asset are found by it. */
const ASSETS: readonly Spoiling[] = rowsOf({
  ...{ table: 'assets', check: 'wallets', key: 'slug' },
  ...{ change: `supply_cap = 5`, added: `slug = 'pyrite'` },
});

const ENDED: readonly Spoiling[] = (
  [
    ['changed', (id) => `update holds set amount = amount + 1 where id = '${id}'`],
    ['deleted', (id) => `delete from holds where id = '${id}'`],
    ['opened again', (id) => `update holds set status = 'open' where id = '${id}'`],
    [
      'added',
      (id) => `
insert into holds select ledger_id, gen_random_uuid(), wallet_id, amount, captured, remaining, status, expires_at
  from holds where id = '${id}'`,
    ],
  ] satisfies [string, (id: string | undefined) => string][]
).map(([what, sql], nth) => ({
  what: `a hold that has ended, ${what}`,
  where: `
select h.id as key, h.wallet_id as "walletId", max(e.position)::text as position
  from holds h join events e on e.data -> 'hold' ->> 'holdId' = h.id::text
 where h.status <> 'open' group by h.ledger_id, h.id, h.wallet_id order by h.id offset ${nth} limit 1`,
  spoil: ({ key: id }) => sql(id),
  check: 'hold_heads',
  ...(what === 'added' ? { position: EVENTS.toString(), walletId: null } : {}),
}));

const PERSONAL: readonly Spoiling[] = ['value', 'salt'].map((column, nth) => ({
  what: `an e-mail with another ${column}`,
  where: `
select e.position::text as position, p.subject_id as "subjectId"
  from personal p
  join events e on e.type = 'user.registered' and e.data ->> 'userId' = p.subject_id::text
 where p.field = 'email' order by e.position offset ${nth} limit 1`,
  spoil: ({ subjectId }) =>
    `update personal set ${column} = ${column} || ${column} where field = 'email' and subject_id = '${subjectId}'`,
  check: 'personal',
}));

let ledger: FilledLedger;

before(async () => {
  ledger = await openFilledLedger({ events: EVENTS, sealedAt: [300, 700, 1_300] });
});

after(() => ledger.close());

// Amounts that do not add up are that, too, and with what is no number nothing can be added up.
describe('Ledger entries', () => spoilAll(ENTRIES, ['zero_sum', 'balances', 'read_models']));
describe('Idempotency keys', () => spoilAll(KEYS));
describe('Tables of the write side', () => spoilAll(WRITTEN));
describe('Assets', () => spoilAll(ASSETS, ['read_models']));
describe('Holds that have ended', () => spoilAll(ENDED));
describe('Read models', () => spoilAll(READ));
describe('What is personal', () => {
  spoilAll(PERSONAL);

  test('is missed, each value, where nobody was erased', async () => {
    const copy = await ledger.copy();
    const { rowCount } = await copy.superuser.query('delete from personal');
    const { findings, findingCount } = await verifyAll(copy.url);
    assert.equal(findingCount, rowCount);
    assert.deepEqual(
      new Set(findings.map(({ check, found }) => `${check}: ${found}`)),
      new Set(['personal: no value']),
    );
    await copy.drop();
  });
});

/** `besides`: checks that may find something too. */
function spoilAll(spoilings: readonly Spoiling[], besides: readonly CheckName[] = []): void {
  const places = new Map<Spoiling, Place>();
  let copy: Copy;
  let verdict: Verdict;

  before(async () => {
    copy = await ledger.copy();
    await dropConstraints(copy);
    for (const spoiling of spoilings) {
      const { rows } = await copy.superuser.query<Place>(spoiling.where);
      assert.ok(rows[0], `a place for ${spoiling.what}`);
      places.set(spoiling, rows[0]);
    }
    for (const [{ spoil }, place] of places) await copy.superuser.query(spoil(place));
    verdict = await verifyAll(copy.url);
  });
  after(() => copy.drop());

  function isOf(spoiling: Spoiling, finding: Finding): boolean {
    const place = places.get(spoiling) ?? {};
    const position = spoiling.position === undefined ? (place['position'] ?? null) : spoiling.position;
    const walletId = spoiling.walletId === undefined ? (place['walletId'] ?? null) : spoiling.walletId;
    return (
      finding.check === spoiling.check &&
      finding.position === position &&
      (walletId === null || finding.walletId === walletId) &&
      (spoiling.names === undefined || finding.expected.includes(spoiling.names(place)))
    );
  }

  for (const spoiling of spoilings)
    test(`${spoiling.what}: found`, () => {
      const found = verdict.findings.filter((finding) => isOf(spoiling, finding));
      assert.notEqual(found.length, 0, JSON.stringify([places.get(spoiling), verdict.findings], null, 1));
    });

  test('nothing else is blamed', () => {
    const others = verdict.findings.filter(
      (finding) => !besides.includes(finding.check) && !spoilings.some((spoiling) => isOf(spoiling, finding)),
    );
    assert.deepEqual(others, []);
  });
}

/** The owner of a table can do so: then nothing is in the way. */
async function dropConstraints({ superuser }: Copy): Promise<void> {
  await superuser.query(`
do $$
declare
  of record;
begin
  for of in
    select conrelid::regclass as name, conname
      from pg_constraint
     where connamespace in ('public'::regnamespace, 'read'::regnamespace)
       and contype in ('p', 'u', 'c')
       and conrelid::regclass::text !~ '^(audit_|ledgers)'
  loop
    execute format('alter table %s drop constraint %I cascade', of.name, of.conname);
  end loop;
end
$$`);
}
