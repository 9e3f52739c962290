import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startService, type Reply, type Service } from '../support/service.ts';
import { expectProblem } from '../http/expect-problem.ts';
import { newHolder, topUp, type Holder } from '../http/payments.ts';

const CROWD = 10;

let database: TestDatabase;
let service: Service;
let holder: Holder;

before(async () => {
  database = await createTestDatabase();
  service = await startService(database, { config: { maxQueue: 3, maxBatch: 1 } });
  holder = await newHolder(service);
});

after(async () => {
  await service.close();
  await database.drop();
});

function crowd(): Promise<Reply>[] {
  return Array.from({ length: CROWD }, (_, index) => topUp(service, holder, '1', { key: `crowd-${index}` }));
}

async function balance(): Promise<string> {
  const path = `/wallets/${holder.userId}/${holder.assetSlug}/balance?consistency=strong`;
  return String((await service.get(path)).body.balance);
}

test('more commands than may wait are turned away at once, with nothing done', async () => {
  const blocker = await database.connect();
  await blocker.query('begin');
  await blocker.query('select from ledgers for update');
  const commands = crowd();
  try {
    // Those that are turned away do not wait for the lock: only they can be first.
    const turnedAway = await Promise.race(commands);
    expectProblem(turnedAway, 'overloaded', '/transactions/topup');
    assert.match(String(turnedAway.headers['retry-after']), /^[1-9][0-9]*$/);
  } finally {
    await blocker.query('rollback');
    await blocker.end();
  }

  const statuses = (await Promise.all(commands)).map(({ status }) => status);
  const done = statuses.filter((status) => status === 201).length;
  assert.ok(done >= 3 && done < CROWD, `${done} were done`);
  assert.equal(statuses.filter((status) => status === 503).length, CROWD - done);
  assert.equal(await balance(), done.toString());

  // Who was turned away may come again with the same key; who was served is not served twice.
  const again = (await Promise.all(crowd())).filter(
    (reply, index) => reply.status === 201 && statuses[index] === 503,
  );
  assert.equal(await balance(), (done + again.length).toString());
});
