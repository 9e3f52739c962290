/** An event that this program cannot read is the fault of the command that names it, and of no other in its batch. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import { UnreadableEventError } from '../../src/events/upcast.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { balanceOf, eventsWithKey, headPosition } from '../support/ledger-facts.ts';
import { bodyOf, newAsset, newUser, openWriteSide, type WriteSide } from '../support/write-side.ts';

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

/** As a later version of the program would have written it. Resolves to its id. */
async function appendFromTheFuture(): Promise<string> {
  const id = randomUUID();
  await owner.query(
    `with head as (
       update ledgers set head_position = head_position + 1 where id = 1 returning head_position, head_recorded_at
     )
     insert into events (ledger_id, position, id, type, version, actor, data, occurred_at, recorded_at)
     select 1, head_position, $1, 'hold.placed', 99, 'test', '{}', head_recorded_at, head_recorded_at
       from head`,
    [id],
  );
  return id;
}

test('who names it gets an error, and those in the same batch are served in their order', async () => {
  const assetSlug = await newAsset(side);
  const userId = await newUser(side, { assetSlug, amount: '10' });
  const holdId = await appendFromTheFuture();
  const before = await headPosition(owner);
  const batches = side.batches.length;
  const keys = [randomUUID(), randomUUID(), randomUUID()] as const;
  const money = { userId, assetSlug } as const;
  const [first, guilty, last] = await Promise.allSettled([
    side.submit({ kind: 'spend', ...money, amount: '4' }, keys[0]),
    side.submit({ kind: 'release', holdId }, keys[1]),
    side.submit({ kind: 'spend', ...money, amount: '5' }, keys[2]),
  ]);
  assert.ok(first.status === 'fulfilled' && last.status === 'fulfilled');
  assert.deepEqual([bodyOf(first.value).balanceAfter, bodyOf(last.value).balanceAfter], ['6', '1']);
  assert.ok(guilty.status === 'rejected' && guilty.reason instanceof Error);
  assert.ok(guilty.reason.cause instanceof UnreadableEventError, String(guilty.reason.cause));
  assert.deepEqual(side.verdicts, ['bug', 'bug'], 'of the batch, and of the guilty one alone');
  assert.deepEqual(side.batches.slice(batches), [1, 1]);
  assert.equal(await eventsWithKey(owner, keys[1]), 0);
  assert.equal(await headPosition(owner), before + 2n);
  assert.equal(await balanceOf(owner, userId, assetSlug), '1');
});
