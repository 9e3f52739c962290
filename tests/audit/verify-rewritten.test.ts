/** What was rewritten without a contradiction is found where it was sealed. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seal } from '../../src/audit/sealed/seal.ts';
import { LEDGER_ID } from '../support/write-side.ts';
import { verifyAll, type Copy } from './filled-ledger.ts';
import {
  EVENTS,
  findingsAt,
  placeOf,
  posting,
  rewritableLedger,
  SEALED,
  type Place,
} from './rewritten-log.ts';
import { openSealPool } from './sealed-ledger.ts';

const { ledger, withCopy } = rewritableLedger();

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
      await seal(pool, { ledgerId: LEDGER_ID, keyFile: ledger().keyFile });
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
