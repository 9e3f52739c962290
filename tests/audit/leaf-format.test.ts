/** What is hashed of an event is what docs/leaf-format.md says, what PostgreSQL writes, and what the code makes of values. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import type pg from 'pg';
import { copyRows } from '../../src/audit/rows/copy-rows.ts';
import { encodeLeaf, LEAF_COLUMNS, type Leaf } from '../../src/audit/tree/leaf.ts';
import { leafHash } from '../../src/audit/tree/merkle.ts';
import { readLeaf } from '../../src/audit/sealed/sealed-tree.ts';
import { canonicalJson } from '../../src/events/canonical.ts';
import { samples } from '../events/samples.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { LEDGER_ID } from '../support/write-side.ts';
import { openSealPool } from './sealed-ledger.ts';

type Vector = { readonly title: string; readonly leaf: Leaf; readonly bytes: Buffer; readonly hash: string };

const document = readFileSync(new URL('../../docs/leaf-format.md', import.meta.url), 'utf8');
const vectors = document.split('### Vector ').slice(1).map(vectorOf);

function vectorOf(section: string): Vector {
  const [title = ''] = section.split('\n', 1);
  const block = (name: string): string => {
    const [, found] = new RegExp(`\`\`\`${name}\n([^\`]*)\`\`\``).exec(section) ?? [];
    assert.ok(found, `vector ${title} has no ${name}`);
    return found;
  };
  const event = JSON.parse(block('json')) as Leaf & { position: string };
  const bytes = Buffer.from(block('hex').replaceAll('\n', ''), 'hex');
  return { title, leaf: { ...event, position: BigInt(event.position) }, bytes, hash: block('sha256').trim() };
}

let database: TestDatabase;
let pool: pg.Pool;

before(async () => {
  database = await createTestDatabase();
  pool = openSealPool(database.url);
});

after(async () => {
  await pool.end();
  await database.drop();
});

async function insert(leaf: Leaf): Promise<void> {
  await pool.query(
    `insert into events (ledger_id, position, id, type, version, idempotency_key, fingerprint, actor, correlation_id,
                         related_id, occurred_at, recorded_at, effective_at, data)
     values ($1, $2, $3, $4, $5, $6, decode($7, 'hex'), $8, $9, $10, $11, $12, $13, $14)`,
    [
      ...[LEDGER_ID, leaf.position, leaf.id, leaf.type, leaf.version, leaf.idempotencyKey, leaf.fingerprint],
      ...[leaf.actor, leaf.correlationId, leaf.relatedId, leaf.occurredAt, leaf.recordedAt, leaf.effectiveAt],
      leaf.data,
    ],
  );
}

/** The row as the database writes it. */
async function storedLeaf(position: bigint): Promise<Buffer> {
  const rows: Buffer[] = [];
  const client = await pool.connect();
  try {
    const query = `select ${LEAF_COLUMNS} from events e where ledger_id = ${LEDGER_ID} and position = ${position}`;
    await copyRows(client, query, (row) => rows.push(Buffer.from(row)));
  } finally {
    client.release();
  }
  assert.equal(rows.length, 1);
  return rows[0]!;
}

test('the document has vectors', () => {
  assert.equal(vectors.length, 3);
});

for (const { title, leaf, bytes, hash } of vectors) {
  describe(`Vector ${title}`, () => {
    test('is what the code makes of the values', () => {
      assert.deepEqual(encodeLeaf(leaf), bytes);
      assert.equal(leafHash(bytes).toString('hex'), hash);
    });

    test('is what PostgreSQL writes of the row', async () => {
      await insert(leaf);
      assert.deepEqual(await storedLeaf(leaf.position), bytes);
    });
  });
}

describe('A leaf', () => {
  let position = 1_000n;

  function leafOf(fields: Partial<Leaf>): Leaf {
    position += 1n;
    const at = '2026-05-04T03:02:01.987Z';
    return {
      ...{ position, id: randomUUID(), type: 'any', version: 1, idempotencyKey: null, fingerprint: null },
      ...{ actor: 'test', correlationId: null, relatedId: null, occurredAt: at, recordedAt: at },
      ...{ effectiveAt: null, data: '{}' },
      ...fields,
    };
  }

  async function expectSame(leaf: Leaf): Promise<void> {
    await insert(leaf);
    assert.deepEqual(encodeLeaf(leaf), await storedLeaf(leaf.position));
    assert.deepEqual(await readLeaf(pool, LEDGER_ID, leaf.position), leaf);
  }

  for (const { file, name, type, version, data } of samples) {
    test(`of the sample ${file}, ${name}, is the row that is stored of it`, async () => {
      await expectSame(leafOf({ type, version, data: canonicalJson(data) }));
    });
  }

  test('is the row that is stored, whichever columns are null, and in whatever script', async () => {
    const full = {
      idempotencyKey: 'k\u00e9y',
      fingerprint: `01${'ab'.repeat(32)}`,
      correlationId: '\u4ed6\u{1f600}',
      relatedId: randomUUID(),
      effectiveAt: '1970-01-01T00:00:00.001Z',
    };
    const names = Object.keys(full) as (keyof typeof full)[];
    for (let chosen = 0; chosen < 2 ** names.length; chosen += 1) {
      const some = names.filter((_, bit) => (chosen & (2 ** bit)) !== 0);
      await expectSame(leafOf(Object.fromEntries(some.map((name) => [name, full[name]]))));
    }
  });

  test('is computed by the command in the document', async (context) => {
    if (spawnSync('psql', ['--version']).status !== 0) return context.skip('there is no psql');
    const leaf = leafOf({ actor: 'Zo\u00eb' });
    await insert(leaf);
    const [, script = ''] = /\n(    psql .*?sha256sum)\n/s.exec(document) ?? [];
    const command = script.replace('position = 42', `position = ${leaf.position}`);
    assert.notEqual(command, script);
    const { stdout } = spawnSync('bash', ['-c', command.replace('psql ', `psql '${database.url}' `)]);
    assert.equal(stdout.toString().slice(0, 64), leafHash(encodeLeaf(leaf)).toString('hex'));
  });
});
