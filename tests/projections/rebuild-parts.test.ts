/** However a rebuild cuts the log, and wherever `apply` takes over: the rows are those of a fold from zero. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { inTransaction } from '../../src/db/pool.ts';
import { projections } from '../../src/projections/catalog.ts';
import {
  openedWallet,
  requestTail,
  tailReference,
  tailType,
  tailUserId,
  typeOf,
} from '../../src/projections/canonical-text.ts';
import type { Projection } from '../../src/projections/projection.ts';
import { createTables, indexTables } from '../../src/projections/rebuild/generation-tables.ts';
import { createAsset, registerUser } from '../support/service.ts';
import { writeRandomLog } from './random-log.ts';
import { contentsOf, openReadSide, type ReadSide, type Row } from './read-side.ts';

const BESIDE = 9;

let side: ReadSide;
let head: bigint;
const whole = new Map<string, Row[][]>();

/** Text that looks like the fields which read models find without parsing the document. */
async function writeConfusingTransactions(): Promise<void> {
  const { id: userId } = await registerUser(side.service);
  const assetSlug = await createAsset(side.service);
  const lure = '"reference":"no","type":"no","userId":"no"';
  const texts = [lure, `,${lure}}`, `\\${lure}\\`, 'null,"type":"x"', 'null', '"', '\\', 'Ü"😀', '{}', ' '];
  for (const text of texts) {
    const metadata = { reference: text, type: text, userId: text, [lure]: text };
    const money = { userId, assetSlug, amount: '5' };
    for (const reference of [undefined, text]) {
      const named = reference === undefined ? {} : { reference };
      await side.service.post('/transactions/topup', { ...money, ...named, metadata });
      await side.service.post('/transactions/spend', { ...money, ...named, metadata, amount: '900' });
    }
  }
}

before(async () => {
  side = await openReadSide();
  await writeRandomLog(side, { seed: 7, histories: 8 });
  await writeConfusingTransactions();
  head = await side.head();
  for (const projection of projections) {
    await side.catchUp(projection);
    whole.set(projection.name, await side.contents(projection));
  }
});

after(() => side.close());

class RolledBack extends Error {}

async function built(
  projection: Projection,
  { target, cuts, order }: { target: bigint; cuts: readonly bigint[]; order: readonly number[] },
): Promise<Row[][]> {
  const bounds = [0n, ...cuts.filter((cut) => cut < target), target].sort((a, b) => Number(a - b));
  const parts = bounds.slice(1).map((to, index) => ({ from: bounds[index]!, to, rank: order[index] ?? 0 }));
  let contents: Row[][] = [];
  await inTransaction(side.pool, async (tx) => {
    const generation = { ledgerId: side.ledgerId, generation: BESIDE };
    await createTables(tx, projection, BESIDE);
    for (const { from, to } of parts.toSorted((a, b) => a.rank - b.rank))
      await projection.build!.part(tx, { ...generation, from, to, target });
    await projection.build!.finish?.(tx, { ...generation, from: 0n, to: target });
    await indexTables(tx, projection, BESIDE);
    await projection.apply(tx, { ...generation, from: target, to: head });
    contents = await contentsOf(tx, side.ledgerId, projection, BESIDE);
    throw new RolledBack();
  }).catch((error: unknown) => {
    if (!(error instanceof RolledBack)) throw error;
  });
  return contents;
}

test('the log of these tests has references and users of all kinds', () => {
  const [rows] = whole.get('transactions')!;
  assert.ok(rows!.filter(({ reference }) => String(reference).includes('"')).length > 8);
  assert.ok(rows!.some(({ reference }) => reference === null));
  assert.ok(rows!.some(({ user_id: userId }) => userId === null));
  assert.ok(new Set(rows!.map(({ type }) => type)).size > 4);
});

test('what is read from the text of events is what JSON has there', async () => {
  const differing = `
select e.position
  from events e
 cross join lateral ${requestTail}
 where e.ledger_id = $1
   and e.type in ('transaction.posted', 'hold.captured', 'transaction.rejected')
   and (${typeOf}, ${tailType}, ${tailReference}, ${tailUserId})
       is distinct from (e.data ->> 'type', e.data ->> 'type', e.data ->> 'reference', (e.data ->> 'userId')::uuid)
 union all
select e.position
  from events e
 cross join lateral ${openedWallet}
 where e.ledger_id = $1
   and e.type = 'wallet.opened'
   and (opened.wallet_id, opened.asset_id, opened.owner, opened.is_system)
       is distinct from ((e.data ->> 'walletId')::uuid, (e.data ->> 'assetId')::uuid,
                         coalesce(e.data #>> '{owner,userId}', e.data #>> '{owner,system}'),
                         e.data #>> '{owner,system}' is not null)`;
  assert.deepEqual(await side.rows(differing), []);
});

for (const projection of projections) {
  test(`${projection.name}: any parts in any order, and the rest applied, are the fold from zero`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          target: fc.oneof(fc.bigInt(0n, head), fc.constant(head)),
          cuts: fc.array(fc.bigInt(1n, head), { maxLength: 6 }),
          order: fc.array(fc.nat(9), { minLength: 8, maxLength: 8 }),
        }),
        async (plan) => {
          assert.deepEqual(await built(projection, plan), whole.get(projection.name));
        },
      ),
      { numRuns: 25 },
    );
  });
}
