/** Entries and keys of the log, rewritten by a superuser. */
import { describe } from 'node:test';
import { EVENTS, spoilableLedger, spoilAll, type Place, type Spoiling } from './spoiled-tables.ts';

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

const ledger = spoilableLedger();

// Amounts that do not add up are that, too, and with what is no number nothing can be added up.
describe('Ledger entries', () => spoilAll(ledger, ENTRIES, ['zero_sum', 'balances', 'read_models']));
describe('Idempotency keys', () => spoilAll(ledger, KEYS));
