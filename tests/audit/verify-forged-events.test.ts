/** Events that a superuser rewrote, so that they contradict what is around them: found at their positions. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { CheckName } from '../../src/audit/fold/finding.ts';
import type { Verdict } from '../../src/audit/fold/verdict.ts';
import { verifyAll } from './filled-ledger.ts';
import { findingsAt, placeOf, posting, rewritableLedger, SEALED, type Place } from './rewritten-log.ts';

type Forgery = {
  readonly what: string;
  /** Finds the event. */
  readonly where: string;
  readonly forge: (place: Place) => string;
  readonly check: CheckName;
  /** Of the finding, where it is not that of the event. */
  readonly at?: (place: Place) => bigint;
};

const { withCopy } = rewritableLedger();

/** An event of a type (or a kind of transaction) in the part that is not sealed. */
const unsealed = (type: string, nth = 0, condition = 'true'): string => `
select e.position, e.id, e.data from events e
 where '${type}' in (e.type, e.data ->> 'type') and e.type <> 'transaction.rejected' and e.position > ${SEALED} and ${condition} order by e.position offset ${nth} limit 1`;

const setData =
  (path: string, value: string) =>
  ({ position }: Place): string =>
    `update events e set data = jsonb_set(data::jsonb, '${path}', ${value})::json where position = ${position}`;

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
