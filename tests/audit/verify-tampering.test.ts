/**
 * The log itself, rewritten by a superuser. What contradicts itself is found at its position; what was rewritten without a
 * contradiction is found where it was sealed.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { CheckName, Finding } from '../../src/audit/fold/finding.ts';
import type { Verdict } from '../../src/audit/fold/verdict.ts';
import { seal } from '../../src/audit/sealed/seal.ts';
import { LEDGER_ID } from '../support/write-side.ts';
import { openSealPool } from './sealed-ledger.ts';
import { openFilledLedger, verifyAll, type Copy, type FilledLedger } from './filled-ledger.ts';

const EVENTS = 1_500;
/** What comes after is not sealed. */
const SEALED = 1_300;

type Place = { readonly position: bigint; readonly [name: string]: unknown };

type Forgery = {
  readonly what: string;
  /** Finds the event. */
  readonly where: string;
  readonly forge: (place: Place) => string;
  readonly check: CheckName;
  /** Of the finding, where it is not that of the event. */
  readonly at?: (place: Place) => bigint;
};

let ledger: FilledLedger;

before(async () => {
  ledger = await openFilledLedger({ events: EVENTS, sealedAt: [300, 700, SEALED] });
});

after(() => ledger.close());

async function withCopy<Result>(work: (copy: Copy) => Promise<Result>): Promise<Result> {
  const copy = await ledger.copy();
  try {
    await copy.superuser.query(`
alter table events drop constraint events_position_check;
alter table wallets drop constraint wallets_floor`);
    return await work(copy);
  } finally {
    await copy.drop();
  }
}

async function placeOf({ superuser }: Copy, query: string): Promise<Place> {
  const { rows } = await superuser.query<{ position: string }>(query);
  assert.ok(rows[0], query);
  return { ...rows[0], position: BigInt(rows[0].position) };
}

function findingsAt(verdict: Verdict, check: CheckName, position: bigint | null): Finding[] {
  return verdict.findings.filter(
    (finding) => finding.check === check && finding.position === (position?.toString() ?? null),
  );
}

/** An event of a type (or a kind of transaction) in the part that is not sealed. */
const unsealed = (type: string, nth = 0, condition = 'true'): string => `
select e.position, e.id, e.data from events e
 where '${type}' in (e.type, e.data ->> 'type') and e.type <> 'transaction.rejected' and e.position > ${SEALED} and ${condition} order by e.position offset ${nth} limit 1`;

const setData =
  (path: string, value: string) =>
  ({ position }: Place): string =>
    `update events e set data = jsonb_set(data::jsonb, '${path}', ${value})::json where position = ${position}`;

const posting = (path: string, by: number): string =>
  `to_jsonb(((data::jsonb #>> '${path}')::numeric + ${by})::text)`;

const UNREADABLE: readonly Forgery[] = [
  {
    what: 'a type that there is not',
    where: unsealed('topup', 0),
    forge: ({ position }) => `update events set type = 'transaction.vanished' where position = ${position}`,
    check: 'schema',
  },
  {
    what: 'a version from the future',
    where: unsealed('topup', 1),
    forge: ({ position }) => `update events set version = 2 where position = ${position}`,
    check: 'schema',
  },
  {
    what: 'a version from before the beginning',
    where: unsealed('topup', 2),
    forge: ({ position }) => `update events set version = -1 where position = ${position}`,
    check: 'schema',
  },
  {
    what: 'a JSON number for an amount',
    where: unsealed('topup', 3),
    forge: setData('{postings,0,amount}', `to_jsonb(5)`),
    check: 'schema',
  },
  {
    what: 'a negative amount',
    where: unsealed('topup', 4),
    forge: setData('{postings,0,amount}', `to_jsonb('-5'::text)`),
    check: 'schema',
  },
  {
    what: 'an amount of nothing',
    where: unsealed('topup', 5),
    forge: setData('{postings,0,amount}', `to_jsonb('0'::text)`),
    check: 'schema',
  },
  {
    what: 'a member too many',
    where: unsealed('topup', 6),
    forge: setData('{by}', `to_jsonb('me'::text)`),
    check: 'schema',
  },
  {
    what: 'a member too few',
    where: unsealed('topup', 7),
    forge: ({ position }) =>
      `update events set data = (data::jsonb - 'postings')::json where position = ${position}`,
    check: 'schema',
  },
  {
    what: 'data that is no object',
    where: unsealed('topup', 8),
    forge: ({ position }) => `update events set data = '[]' where position = ${position}`,
    check: 'schema',
  },
];

const TIMES: readonly Forgery[] = [
  {
    what: 'recorded before the one before it',
    where: unsealed('spend', 0),
    forge: ({ position }) =>
      `update events set recorded_at = recorded_at - interval '1 year', occurred_at = occurred_at - interval '1 year' where position = ${position}`,
    check: 'times',
  },
  {
    what: 'decided after it was recorded',
    where: unsealed('spend', 1),
    forge: ({ position }) =>
      `update events set occurred_at = recorded_at + interval '1 second' where position = ${position}`,
    check: 'times',
  },
  {
    what: 'recorded at a time that never comes, so that the next one is before it',
    where: unsealed('spend', 2),
    forge: ({ position }) => `update events set recorded_at = 'infinity' where position = ${position}`,
    check: 'times',
    at: ({ position }) => position + 1n,
  },
];

const MONEY: readonly Forgery[] = [
  {
    what: 'another amount in a posting',
    where: unsealed('spend', 3),
    forge: setData('{postings,0,amount}', posting('{postings,0,amount}', 1)),
    check: 'balances',
  },
  {
    what: 'another balance after a posting',
    where: unsealed('spend', 4),
    forge: setData('{postings,0,from,balanceAfter}', posting('{postings,0,from,balanceAfter}', 1)),
    check: 'balances',
  },
  {
    what: 'another payer',
    where: unsealed('transfer', 0),
    forge: setData('{postings,0,from,walletId}', 'to_jsonb(gen_random_uuid()::text)'),
    check: 'wallets',
  },
  {
    what: 'another asset',
    where: unsealed('transfer', 1),
    forge: setData('{postings,0,asset}', `to_jsonb('pyrite'::text)`),
    check: 'entries',
  },
  {
    what: 'a wallet that was opened before',
    where: unsealed('wallet.opened'),
    forge: setData('{walletId}', `to_jsonb((select id from wallets order by id limit 1)::text)`),
    check: 'balances',
  },
  {
    what: 'a second wallet of an owner in an asset',
    where: unsealed('wallet.opened', 1),
    forge: ({ position }) => `
update events e
   set data = jsonb_set(e.data::jsonb, '{owner}', (
         select o.data::jsonb -> 'owner'
           from events o
          where o.type = 'wallet.opened' and o.data ->> 'asset' = e.data ->> 'asset'
          order by o.position limit 1
       ))::json
 where e.position = ${position}`,
    check: 'wallets',
  },
];

const HOLDS: readonly Forgery[] = [
  {
    what: 'more captured than was held',
    where: unsealed('hold.captured', 0),
    forge: setData('{hold,captured}', posting('{hold,amount}', 1)),
    check: 'holds',
  },
  {
    what: 'a hold captured after it had expired',
    where: unsealed('hold.captured', 1),
    forge: setData('{hold,expiresAt}', `to_jsonb('2024-01-01T00:00:00.000Z'::text)`),
    check: 'holds',
  },
  {
    what: 'a hold that was never placed',
    where: unsealed('hold.released', 0),
    forge: setData('{hold,holdId}', 'to_jsonb(gen_random_uuid()::text)'),
    check: 'holds',
  },
  {
    what: 'more released than was left',
    where: unsealed('hold.released', 1),
    forge: setData('{released}', posting('{released}', 1)),
    check: 'holds',
  },
  {
    what: 'a hold for another amount than it was placed for',
    where: unsealed('hold.released', 2),
    forge: ({ position }) => `
update events set data = jsonb_set(jsonb_set(data::jsonb, '{hold,amount}', ${posting('{hold,amount}', 1)}),
                                   '{released}', ${posting('{released}', 1)})::json
 where position = ${position}`,
    check: 'holds',
  },
];

const isWhole = `(select count(*) from events o, json_array_elements(o.data -> 'postings') where o.id = e.related_id) = 1`;
const REVERSALS: readonly Forgery[] = [
  {
    what: 'more taken back than there was',
    where: unsealed('reversal', 0, isWhole),
    forge: setData('{postings,0,amount}', posting('{postings,0,amount}', 10 ** 15)),
    check: 'reversals',
  },
  {
    what: 'a reversal that is taken back',
    where: `select r.position, r.id, (select id from events where data ->> 'type' = 'reversal' order by position limit 1) as other
              from events r where data ->> 'type' = 'reversal' and position > ${SEALED} order by position offset 1 limit 1`,
    forge: (place) => setData('{reverses}', `to_jsonb('${String(place['other'])}'::text)`)(place),
    check: 'reversals',
  },
  {
    what: 'what never was, taken back',
    where: unsealed('reversal', 2),
    forge: setData('{reverses}', 'to_jsonb(gen_random_uuid()::text)'),
    check: 'reversals',
  },
  {
    what: 'a transaction taken back that cannot be read any more',
    where: `select r.position, r.related_id as other from events r where data ->> 'type' = 'reversal' and position > ${SEALED}
             order by position offset 3 limit 1`,
    forge: ({ other }) => `update events set version = 7 where id = '${String(other)}'`,
    check: 'reversals',
  },
];

/** All of a group in one copy: each has its event. */
function findEach(forgeries: readonly Forgery[]): void {
  const places = new Map<Forgery, Place>();
  let verdict: Verdict;
  before(() =>
    withCopy(async (copy) => {
      for (const forgery of forgeries) places.set(forgery, await placeOf(copy, forgery.where));
      for (const [{ forge }, place] of places) await copy.superuser.query(forge(place));
      verdict = await verifyAll(copy.url);
    }),
  );
  for (const forgery of forgeries)
    test(forgery.what, () => {
      const place = places.get(forgery);
      assert.ok(place);
      const position = forgery.at?.(place) ?? place.position;
      const found = findingsAt(verdict, forgery.check, position);
      assert.notEqual(found.length, 0, JSON.stringify([position.toString(), verdict.findings], null, 1));
    });
}

describe('An event that cannot be read is found:', () => findEach(UNREADABLE));
describe('Times that cannot be are found:', () => findEach(TIMES));
describe('Money that does not add up is found:', () => findEach(MONEY));
describe('Holds that pay out what they must not are found:', () => findEach(HOLDS));
describe('Reversals of what is not there are found:', () => findEach(REVERSALS));

/** Each by itself: from there on the positions or the tree are others. */
const SINGLE: readonly {
  readonly what: string;
  readonly sql: string;
  readonly finds: readonly (readonly [CheckName, bigint | null])[];
}[] = [
  {
    what: 'a deleted event',
    sql: 'delete from events where position = 500',
    finds: [
      ['positions', 501n],
      ['checkpoints', 700n],
      ['checkpoints', 1_300n],
    ],
  },
  {
    what: 'the last event deleted',
    sql: `delete from events where position = ${EVENTS}`,
    finds: [['positions', 1_500n]],
  },
  {
    what: 'an event deleted with all that belongs to it, and the later ones moved down',
    sql: `
create temporary table gone as select 500::bigint as position;
do $$
declare
  name text;
begin
  foreach name in array array['events', 'ledger_entries', 'idempotency_keys', 'read.transactions_1'] loop
    execute format('delete from %s where position = 500', name);
    execute format('update %s set position = -position where position > 500', name);
    execute format('update %s set position = -position - 1 where position < 0', name);
  end loop;
end
$$;
update ledgers set head_position = head_position - 1;
update read.checkpoints set position = position - 1`,
    finds: [
      ['sealed', 257n],
      ['sealed', 513n],
      ['checkpoints', 700n],
    ],
  },
  {
    what: 'a forged event put in between',
    sql: `
update events set position = -position where position > 500;
update events set position = -position + 1 where position < 0;
insert into events
select ledger_id, 501, gen_random_uuid(), type, version, null, null, actor, null, null, data, occurred_at, recorded_at, null
  from events where position = 500;
update ledgers set head_position = head_position + 1`,
    finds: [
      ['sealed', 257n],
      ['checkpoints', 700n],
    ],
  },
  {
    what: 'a forged event beyond the head',
    sql: `insert into events select 1, 1501, gen_random_uuid(), type, version, null, null, actor, null, null, data, occurred_at, recorded_at
            from events where position = 1500`,
    finds: [['positions', 1_501n]],
  },
  {
    what: 'a forged event before the beginning',
    sql: `insert into events select 1, 0, gen_random_uuid(), type, version, null, null, actor, null, null, data, occurred_at, recorded_at
            from events where position = 1`,
    finds: [['positions', 0n]],
  },
  {
    what: 'a head that was lowered',
    sql: 'update ledgers set head_position = 1450',
    finds: [['positions', 1_451n]],
  },
  {
    what: 'a head that was raised',
    sql: 'update ledgers set head_position = 1510',
    finds: [['positions', 1_501n]],
  },
  {
    what: 'two sealed events swapped',
    sql: `
update events set position = -position where position in (500, 501);
update events set position = 1001 + position where position < 0`,
    finds: [
      ['sealed', 257n],
      ['checkpoints', 700n],
    ],
  },
  {
    what: 'an older log put in place of the sealed one',
    sql: 'delete from events where position > 1200; update ledgers set head_position = 1200',
    finds: [['sealed', null]],
  },
];

describe('Events that are not where they were are found:', () => {
  for (const { what, sql, finds } of SINGLE)
    test(what, () =>
      withCopy(async (copy) => {
        await copy.superuser.query(sql);
        const verdict = await verifyAll(copy.url);
        for (const [check, position] of finds)
          assert.notEqual(
            findingsAt(verdict, check, position).length,
            0,
            `${check} ${position} ${JSON.stringify(verdict.findings.slice(0, 20), null, 1)}`,
          );
      }),
    );
});

describe('Of a sealed event nothing can be changed unseen:', () => {
  const columns = [
    `actor = 'nobody'`,
    `correlation_id = 'x'`,
    `fingerprint = '\\x00'`,
    `effective_at = recorded_at`,
    `idempotency_key = 'another'`,
    `related_id = gen_random_uuid()`,
    `occurred_at = occurred_at - interval '1 millisecond'`,
    `id = gen_random_uuid()`,
    `data = replace(data::text, '"metadata":null', '"metadata":{"a":"b"}')::json`,
    `data = concat(' ', data::text)::json`,
  ];
  // One in each of the five blocks of 256.
  for (const [from, some] of [columns.slice(0, 5), columns.slice(5)].entries())
    test(some.join('; '), () =>
      withCopy(async (copy) => {
        for (const [block, change] of some.entries()) {
          const { position } = await placeOf(
            copy,
            `select position from events where type = 'transaction.posted' and data ->> 'metadata' is null
                and position > ${block * 256 + 100 + from} order by position limit 1`,
          );
          await copy.superuser.query(`update events set ${change} where position = ${position}`);
        }
        const verdict = await verifyAll(copy.url);
        for (const block of some.keys())
          assert.equal(findingsAt(verdict, 'sealed', BigInt(block * 256 + 1)).length, 1, String(some[block]));
        assert.equal(findingsAt(verdict, 'checkpoints', 300n).length, 1);
      }),
    );

  test('in a block that is not whole yet, where its checkpoint tells', () =>
    withCopy(async (copy) => {
      await copy.superuser.query(`update events set actor = 'nobody' where position = 1299`);
      const verdict = await verifyAll(copy.url);
      assert.deepEqual(
        verdict.findings.map(({ check, position }) => [check, position]),
        [['checkpoints', '1300']],
      );
      assert.deepEqual(verdict.checkpoint?.size, 700n);
    }));
});

/** The last thing that happened to two wallets of users, so that nothing after it has to be rewritten. */
const lastTransfer = (condition: string): string => `
select e.position, e.data #>> '{postings,0,amount}' as amount, f.balance_after as "from",
       e.data #>> '{postings,0,from,walletId}' as payer, e.data #>> '{postings,0,to,walletId}' as payee
  from events e
  join ledger_entries f on f.position = e.position and f.leg = 0
  join ledger_entries t on t.position = e.position and t.leg = 1
  join wallets p on p.id = f.wallet_id and p.seq = f.seq
  join wallets q on q.id = t.wallet_id and q.seq = t.seq
 where e.data ->> 'type' = 'transfer' and f.held_after = 0 and ${condition}
 order by e.position desc limit 1`;

/** Moves `more` in an event, and rewrites everything that follows from it. */
async function rewriteTransfer({ superuser }: Copy, place: Place, more: bigint): Promise<void> {
  const { position, payer, payee } = place;
  for (const [side, walletId, sign] of [
    ['from', payer, -1n],
    ['to', payee, 1n],
  ] as const) {
    const by = sign * more;
    await superuser.query(`
update events set data = jsonb_set(data::jsonb, '{postings,0,${side},balanceAfter}', ${posting(`{postings,0,${side},balanceAfter}`, Number(by))})::json
 where position = ${position};
update ledger_entries set amount = amount + ${by}, balance_after = balance_after + ${by}
 where position = ${position} and wallet_id = '${String(walletId)}';
update wallets set balance = balance + ${by}, floor = least(0, balance + ${by} - held) where id = '${String(walletId)}';
update read.wallet_balances set balance = balance + ${by} where wallet_id = '${String(walletId)}'`);
  }
  await superuser.query(`
update events set data = jsonb_set(jsonb_set(data::jsonb, '{postings,0,amount}', ${posting('{postings,0,amount}', Number(more))}),
                                   '{amount}', ${posting('{amount}', Number(more))})::json
 where position = ${position};
update read.asset_activity a set volume = volume + ${more}
  from events e join assets s on s.slug = e.data ->> 'asset'
 where e.position = ${position} and a.asset_id = s.id and a.type = 'transfer' and a.hour = date_trunc('hour', e.recorded_at)`);
}

describe('An amount that was rewritten wherever it shows', () => {
  test('is found where it was sealed, and by nothing else', () =>
    withCopy(async (copy) => {
      const pool = openSealPool(copy.url);
      await seal(pool, { ledgerId: LEDGER_ID, keyFile: ledger.keyFile });
      await pool.end();
      const place = await placeOf(copy, lastTransfer('f.balance_after > 0'));
      await rewriteTransfer(copy, place, 1n);
      const verdict = await verifyAll(copy.url);
      assert.ok(place.position > SEALED);
      assert.deepEqual(
        verdict.findings.map(({ check, position }) => [check, position]),
        [['checkpoints', EVENTS.toString()]],
      );
    }));

  test('is found where it takes more than there was, though it was not sealed', () =>
    withCopy(async (copy) => {
      const place = await placeOf(copy, lastTransfer(`e.position > ${SEALED}`));
      await rewriteTransfer(copy, place, BigInt(String(place['from'])) + 1n);
      const verdict = await verifyAll(copy.url);
      assert.deepEqual(
        verdict.findings.map(({ check, position, walletId }) => [check, position, walletId]),
        [['floors', place.position.toString(), place['payer']]],
      );
    }));
});
