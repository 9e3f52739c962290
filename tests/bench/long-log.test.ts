/** What the scenarios on a long log rest on: a busy wallet, and a walk along its history. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import type { QueryConfig } from 'pg';
import { fillLedger } from '../../bench/fill/fill-ledger.ts';
import { keySourceOf } from '../../bench/load/idempotency-key.ts';
import { walkHistory, type Walk } from '../../bench/load/history-walk.ts';
import { createPool } from '../../src/db/pool.ts';
import type { Transaction } from '../../src/db/transaction.ts';
import { readHistory } from '../../src/projections/queries/history.ts';
import { encodeCursor } from '../../src/projections/queries/page.ts';
import { createTestDatabase, dropOnceFree, type TestDatabase } from '../support/database.ts';
import { startService, type Service } from '../support/service.ts';

const EVENTS = 12_000;
const PAGE = 50;

type Wallet = { id: string; entries: string; balance: string };

/** However far the preparation came, what it opened is closed. */
const opened = new AsyncDisposableStack();

let database: TestDatabase;
let owner: pg.Client;
let pool: pg.Pool;
let service: Service;
let baseUrl: string;
let wallet: Wallet;
let indexesBefore: unknown[];

const INDEXES = `
select i.indrelid::regclass::text as table, pg_get_indexdef(i.indexrelid) as definition,
       pg_get_constraintdef(c.oid) as constraint, c.conname
  from pg_index i
  left join pg_constraint c on c.conindid = i.indexrelid and c.contype in ('p', 'u')
 where i.indrelid = any ('{events, ledger_entries, idempotency_keys}'::regclass[])
 order by definition`;

before(async () => {
  database = await createTestDatabase();
  opened.defer(() => dropOnceFree(database));
  owner = await database.connect();
  opened.defer(() => owner.end());
  indexesBefore = (await owner.query(INDEXES)).rows;
  await fillLedger({ url: database.url, events: EVENTS, busyPercent: 60, log: () => undefined });
  const { rows } = await owner.query<Wallet>(`
select w.id, w.balance, (select count(*) from ledger_entries l where l.wallet_id = w.id and l.amount <> 0) as entries
  from wallets w
 where not w.is_system
 order by entries desc
 limit 1`);
  wallet = rows[0]!;
  pool = createPool({
    ...{ url: database.url, name: 'test', max: 1, connectTimeoutMs: 3_000, statementTimeoutMs: 30_000 },
    ...{ lockTimeoutMs: 3_000, idleInTransactionTimeoutMs: 3_000, onIdleError: () => undefined },
  });
  opened.defer(() => pool.end());
  service = await startService(database);
  opened.defer(() => service.close());
  baseUrl = await service.http.listen({ host: '127.0.0.1', port: 0 });
});

after(() => opened.disposeAsync());

test('a fill leaves the indexes and constraints of the log as they were', async () => {
  assert.ok(indexesBefore.length > 3);
  assert.deepEqual((await owner.query(INDEXES)).rows, indexesBefore);
});

test('a busy wallet has most of the entries', () => {
  assert.ok(Number(wallet.entries) > EVENTS / 2, `${wallet.entries} of ${EVENTS}`);
});

/** Buffers that the statement of a page touches, by the plan that is made for these very values or by the one for any. */
async function costOfPage(
  cursor: string | undefined,
  mode: string,
): Promise<{ buffers: number; plan: string }> {
  const sent: QueryConfig[] = [];
  const recording: Transaction = {
    query(config) {
      sent.push(config);
      return pool.query(config);
    },
  };
  const filter = { holds: false, from: 0n, to: BigInt(EVENTS) };
  await readHistory(recording, 1, { walletId: wallet.id, limit: PAGE, cursor, filter });
  const { text, values = [] } = sent.find(({ name }) => name?.startsWith('history-') === true)!;
  await owner.query(`set plan_cache_mode = ${mode}`);
  const { rows } = await owner.query<{ 'QUERY PLAN': { Plan: Record<string, unknown> }[] }>(
    `explain (analyze, buffers, format json) ${text}`,
    values,
  );
  const { Plan: plan } = rows[0]!['QUERY PLAN'][0]!;
  const buffers = Number(plan['Shared Hit Blocks']) + Number(plan['Shared Read Blocks']);
  return { buffers, plan: JSON.stringify(plan, undefined, 1) };
}

for (const mode of ['force_custom_plan', 'force_generic_plan']) {
  test(`the last page of a long history costs what the first does, with ${mode}`, async () => {
    const { rows } = await owner.query<{ position: bigint; leg: number }>(
      `select position, leg from ledger_entries where wallet_id = $1 and amount <> 0 order by position, leg offset $2 limit 1`,
      [wallet.id, 2 * PAGE],
    );
    const { position, leg } = rows[0]!;
    const first = await costOfPage(undefined, mode);
    const last = await costOfPage(encodeCursor('history', { position, leg }), mode);
    assert.ok(last.buffers < first.buffers + PAGE / 2, last.plan);
    for (const { plan, buffers } of [first, last]) {
      assert.doesNotMatch(plan, /Merge Join|Hash Join|Seq Scan/);
      // A page is some 50 probes of events, of two or three levels and the row each.
      assert.ok(buffers < 6 * PAGE, plan);
    }
  });
}

const walk = (more: Partial<Walk> = {}): Walk => ({
  ...{ walletId: wallet.id, page: PAGE, first: 1, deep: 23, neighbours: 2, balance: BigInt(wallet.balance) },
  ...more,
});

test('a walk finds where pages begin, near and deep', async () => {
  const { pages, faults } = await walkHistory(baseUrl, walk());
  assert.deepEqual(faults, []);
  const { rows } = await owner.query<{ position: string }>(
    `select position from ledger_entries where wallet_id = $1 and amount <> 0 order by position desc, leg desc`,
    [wallet.id],
  );
  const positions = rows.map(({ position }) => position);
  for (const [path, number] of [
    [pages.first[0], 1],
    [pages.first[1], 2],
    [pages.deep[0], 23],
    [pages.deep[1], 24],
  ] as const) {
    const { status, body } = await service.get(path ?? '');
    assert.equal(status, 200);
    assert.deepEqual(
      (body.data as { position: string }[]).map(({ position }) => position),
      positions.slice((number - 1) * PAGE, number * PAGE),
    );
  }
});

test('a walk says where lines do not follow from each other', async () => {
  const { faults } = await walkHistory(baseUrl, walk({ balance: BigInt(wallet.balance) + 1n }));
  assert.equal(faults.length, 1);
  assert.match(faults[0]!, /^the line at \d+ leaves \d+, the one after it started from \d+$/);
});

test('a walk past the end of a history says so', async () => {
  await assert.rejects(walkHistory(baseUrl, walk({ deep: 1_000 })), /the history ends after \d+ lines/);
});

test('keys of a load start with the time unless random ones are asked for', () => {
  const prefixes = (keys: 'timed' | 'random') => {
    const next = keySourceOf({ requests: [], keyed: true, keys });
    return Array.from({ length: 50 }, () => next().slice(0, 8));
  };
  assert.deepEqual(prefixes('timed'), prefixes('timed').toSorted());
  assert.equal(new Set(prefixes('random')).size, 50);
});
