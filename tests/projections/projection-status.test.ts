/** How far the read models are is told by probes of the log, also while the planner knows nothing of it yet. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import type { Transaction } from '../../src/db/transaction.ts';
import { projections } from '../../src/projections/catalog.ts';
import { ensureCheckpoints } from '../../src/projections/catch-up.ts';
import { readProjectionStatus } from '../../src/projections/queries/projection-status.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { LEDGER_ID } from '../support/write-side.ts';

const EVENTS = 20_000;

let database: TestDatabase;
let owner: pg.Client;

before(async () => {
  database = await createTestDatabase();
  owner = await database.connect();
  await ensureCheckpoints(owner, projections);
  await owner.query(
    "alter table events set (autovacuum_enabled = off); set session_replication_role = 'replica'",
  );
  await owner.query(
    `insert into events (ledger_id, position, id, type, version, actor, data, occurred_at, recorded_at)
     select 1, n, gen_random_uuid(), 'transaction.posted', 1, 'test', '{}', now(), now() - interval '1 minute'
       from generate_series(1, $1::integer) n`,
    [EVENTS],
  );
  await owner.query('update ledgers set head_position = $1 where id = 1', [EVENTS]);
});

after(async () => {
  await owner.end();
  await database.drop();
});

test('a log that has grown since it was analyzed is not read for it', async () => {
  const pages: number[] = [];
  const explaining: Transaction = {
    async query({ text, values }: pg.QueryConfig) {
      const { rows } = await owner.query<{ 'QUERY PLAN': [{ Plan: Record<string, number> }] }>(
        `explain (analyze, buffers, format json) ${text}`,
        values,
      );
      const plan = rows[0]?.['QUERY PLAN'][0].Plan ?? {};
      pages.push(Number(plan['Shared Hit Blocks']) + Number(plan['Shared Read Blocks']));
      return owner.query(text, values);
    },
  };
  for (const reached of [0, EVENTS - 1, EVENTS]) {
    await owner.query('update read.checkpoints set position = $1', [reached]);
    const statuses = await readProjectionStatus(explaining, LEDGER_ID);
    assert.equal(statuses.length, projections.length);
    for (const { lagEvents, lagMs } of statuses) {
      assert.equal(lagEvents, String(EVENTS - reached));
      assert.ok(reached === EVENTS ? lagMs === 0 : lagMs >= 60_000);
    }
  }
  assert.ok(pages.length >= 3 && Math.max(...pages) < 300, pages.join());
});
