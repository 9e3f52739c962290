/** Rows that wait in a file come back as they went in, however they fall into its chunks. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSpool } from '../../src/audit/verify/spool.ts';
import { useAuditPool } from '../support/audit-pool.ts';

const { pool } = useAuditPool();

test('rows come back as they were written, table by table', async (t) => {
  const spool = await createSpool();
  t.after(() => spool.close());
  const lengths = [...Array.from({ length: 3_000 }, (_, n) => n % 97), 65_536, 200_000, 3, 65_535, 0];
  const client = await pool().connect();
  try {
    const wanted = `unnest(array[${lengths.join()}]) with ordinality as wanted (length, n)`;
    await spool.write(client, 'long', `select n::text, repeat('x', length) from ${wanted} order by wanted.n`);
    await spool.write(client, 'short', "values ('a', 'b')");
    await spool.write(client, 'none', "select 'a', 'b' where false");
  } finally {
    client.release();
  }
  const read = async (name: string): Promise<[string, string][]> => {
    const found: [string, string][] = [];
    await spool.read(name, (row) => found.push([row.text(), row.text()]));
    return found;
  };
  const long = await read('long');
  assert.equal(long.length, lengths.length);
  for (const [index, [number, text]] of long.entries()) {
    assert.equal(number, `${index + 1}`);
    assert.ok(text === 'x'.repeat(lengths[index] ?? -1), `row ${number} of ${text.length} characters`);
  }
  assert.deepEqual(await read('short'), [['a', 'b']]);
  assert.deepEqual(await read('none'), []);
  assert.deepEqual(await read('short'), [['a', 'b']], 'a second time');
});
