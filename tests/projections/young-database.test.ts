/** On a database that nothing has analyzed yet the planner must still read ranges of the log by their positions. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createAsset, registerUser, startService, type Service } from '../support/service.ts';
import { until } from '../support/until.ts';

const TOP_UPS = 400;

let database: TestDatabase;
let service: Service;
let owner: pg.Client;

before(async () => {
  database = await createTestDatabase();
  service = await startService(database);
  owner = await database.connect();
  // As if another process looked for drift: that reads wallets by their own index, and here only the projections are to be seen.
  await owner.query("select pg_advisory_lock(hashtext('coffer drift'), 1)");
});

after(async () => {
  await owner.end();
  await service.close();
  await database.drop();
});

async function tuplesReadBy(index: string): Promise<number> {
  const { rows } = await owner.query<{ read: number }>(
    'select idx_tup_read::int as read from pg_stat_user_indexes where indexrelname = $1',
    [index],
  );
  return rows[0]!.read;
}

test('the projections read each event a few times, by the primary key, and none by another index', async () => {
  const { id: userId } = await registerUser(service);
  const topUp = { userId, assetSlug: await createAsset(service), amount: '1' };
  for (let n = 0; n < TOP_UPS; n += 20) {
    await Promise.all(Array.from({ length: 20 }, () => service.post('/transactions/topup', topUp)));
  }
  await until('the server has counted what the projections read', async () => {
    return (
      (await tuplesReadBy('events_pkey')) >= TOP_UPS && (await tuplesReadBy('ledger_entries_pkey')) >= TOP_UPS
    );
  });
  assert.ok((await tuplesReadBy('events_id')) < TOP_UPS);
  assert.ok((await tuplesReadBy('ledger_entries_wallet')) < TOP_UPS);
});

test('and so they do once it was analyzed: none asks the index of wallets, which would be read as a whole', async () => {
  await owner.query('analyze');
  const { id: userId } = await registerUser(service);
  const assetSlug = await createAsset(service);
  await owner.query("select pg_stat_reset_single_table_counters('events_wallet'::regclass)");
  const { headers } = await service.post('/transactions/topup', { userId, assetSlug, amount: '1' });
  const position = String(headers['coffer-position']);
  await service.get(`/wallets/${userId}/${assetSlug}/balance?atLeast=${position}`);
  await service.get(`/users/${userId}/wallets?atLeast=${position}`);
  const read = await tuplesReadBy('events_pkey');
  await until('the server has counted that pass', async () => (await tuplesReadBy('events_pkey')) > read);
  const { rows } = await owner.query<{ scans: number }>(
    "select idx_scan::int as scans from pg_stat_user_indexes where indexrelname = 'events_wallet'",
  );
  assert.equal(rows[0]!.scans, 0);
});
