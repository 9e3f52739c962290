/** Rows by COPY: whole, in order and of any size, and a connection that can be used again after whatever went wrong. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type pg from 'pg';
import { copyLines, copyRows } from '../../src/audit/rows/copy-rows.ts';
import { createColumnReader } from '../../src/audit/tree/decode-leaf.ts';
import { useAuditPool } from '../support/audit-pool.ts';

const { pool } = useAuditPool();
let client: pg.PoolClient;

beforeEach(async () => {
  client = await pool().connect();
});

afterEach(async () => {
  const { rows } = await client.query<{ answer: string }>("select 'usable' as answer");
  client.release();
  assert.deepEqual(rows, [{ answer: 'usable' }]);
});

async function readTexts(query: string): Promise<[bigint, string | null][]> {
  const columns = createColumnReader();
  const found: [bigint, string | null][] = [];
  await copyRows(client, query, (row) => {
    columns.startAt(row);
    found.push([columns.int8(), columns.textOrNull()]);
  });
  return found;
}

test('rows of every length, longer than what comes at once too', async () => {
  const lengths = [0, 1, 100, 65_535, 65_536, 65_537, 300_000, 0, 7];
  const query = `
select n, case when n = 8 then null else repeat('x', length) end
  from unnest(array[${lengths.join()}]) with ordinality as wanted (length, n)
 order by n`;
  assert.deepEqual(
    await readTexts(query),
    lengths.map((length, index) => [BigInt(index + 1), index === 7 ? null : 'x'.repeat(length)]),
  );
});

test('as many rows as there are, in order', async () => {
  const found = await readTexts('select n, n::text from generate_series(1::bigint, 100000) as n order by 1');
  assert.equal(found.length, 100_000);
  assert.ok(found.every(([n, text], index) => n === BigInt(index + 1) && text === n.toString()));
});

test('no rows', async () => {
  assert.deepEqual(await readTexts("select 1::bigint, 'none' where false"), []);
  await copyLines(client, 'select 1 where false', () => assert.fail('a line'));
});

test('a row without columns', async () => {
  let rows = 0;
  await copyLines(client, 'select from generate_series(1, 3)', () => (rows += 1));
  assert.equal(rows, 3);
});

test('lines end with the end of a line', async () => {
  let text = '';
  await copyLines(client, "values (1, E'a\\nb'), (2, null)", (line) => (text += line.toString()));
  assert.equal(text, '1\ta\\nb\n2\t\\N\n');
});

test("the database's error, after the rows before it", async () => {
  let rows = 0;
  const failing = copyRows(
    client,
    'select 1 / (20000 - n) from generate_series(1, 30000) as n',
    () => (rows += 1),
  );
  await assert.rejects(failing, { code: '22012' });
  assert.ok(rows > 0 && rows < 20_000, `${rows} rows`);
});

test('a statement that is none', async () => {
  await assert.rejects(
    copyRows(client, 'select nothing at all', () => undefined),
    { code: '42601' },
  );
});

test('what is thrown at a row ends it: no row after it is handed on', async () => {
  let rows = 0;
  const failing = copyRows(client, 'select n from generate_series(1::bigint, 50000) as n', () => {
    rows += 1;
    if (rows === 1_000) throw new RangeError('no more of this');
  });
  await assert.rejects(failing, new RangeError('no more of this'));
  assert.equal(rows, 1_000);
});
