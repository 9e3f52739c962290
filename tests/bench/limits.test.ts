/** The bare write is a fair limit only if what it writes is what the service writes, column by column. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import { runBareWrites } from '../../bench/limits/bare-write-run.ts';
import { createTestDatabase, dropOnceFree, type TestDatabase } from '../support/database.ts';
import { assertLedgerIsSound } from '../support/ledger-facts.ts';
import { createAsset, registerUser, startService } from '../support/service.ts';

const COMMANDS = 5;

/** However far the preparation came, what it opened is closed. */
const opened = new AsyncDisposableStack();

let database: TestDatabase;
let owner: pg.Client;
let users: string[];
let assetSlug: string;
let servedUpTo: string;

before(async () => {
  database = await createTestDatabase();
  opened.defer(() => dropOnceFree(database));
  owner = await database.connect();
  opened.defer(() => owner.end());
  const service = await startService(database);
  try {
    assetSlug = await createAsset(service);
    users = [(await registerUser(service)).id, (await registerUser(service)).id];
    for (const userId of [...users, ...users]) {
      const { status } = await service.post('/transactions/topup', { userId, assetSlug, amount: '1' });
      assert.equal(status, 201);
    }
  } finally {
    await service.close();
  }
  servedUpTo = (await owner.query<{ head_position: string }>('select head_position from ledgers')).rows[0]!
    .head_position;
});

after(() => opened.disposeAsync());

/** Of a top-up's rows what does not depend on when, by whom and under which id it came. */
const SHAPE = `
select e.type, e.version, e.actor, e.related_id, e.effective_at, length(e.idempotency_key) > 0 as keyed,
       length(e.fingerprint) as fingerprint, e.correlation_id is not null as correlated,
       regexp_replace(e.data::text, '[0-9a-f]{8}-[0-9a-f-]{27}|(?<="balanceAfter":")-?[0-9]+', 'it', 'g') as data,
       length(k.key_hash) as key_hash,
       (select json_agg(json_build_array(l.leg, l.amount, l.held_after, l.recorded_at = e.recorded_at) order by l.leg)
          from ledger_entries l
         where l.position = e.position)::text as entries
  from events e
  join idempotency_keys k on k.position = e.position
 where e.type = 'transaction.posted'`;

test('its rows are those of the service', async () => {
  const result = await runBareWrites({
    ...{ databaseUrl: database.url, users, assetSlug, commands: COMMANDS, seconds: 0.2 },
  });
  assert.deepEqual(result.findings, []);
  assert.ok(result.commands > 0 && result.throughput > 0);
  const shapes = async (comparison: string) =>
    (await owner.query(`select distinct * from (${SHAPE} and e.position ${comparison} $1) s`, [servedUpTo]))
      .rows;
  assert.deepEqual(await shapes('>'), await shapes('<='));
  assert.equal((await shapes('>')).length, 1);
});

test('the ledger that it leaves is sound, and the service goes on with it', async () => {
  await assertLedgerIsSound(owner);
  const service = await startService(database);
  try {
    const toppedUp = await service.post('/transactions/topup', { userId: users[0], assetSlug, amount: '1' });
    assert.equal(toppedUp.status, 201, toppedUp.text);
    await assertLedgerIsSound(owner);
  } finally {
    await service.close();
  }
});
