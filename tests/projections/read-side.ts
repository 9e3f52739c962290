/** A service without its worker, and the read models moved by hand: what each step did can be looked at. */
import type pg from 'pg';
import { rangeSettings } from '../../src/db/key-probes.ts';
import { createPool, inTransaction } from '../../src/db/pool.ts';
import { ledgerIdOf } from '../../src/db/ledgers.ts';
import { asRole } from '../../src/db/session.ts';
import type { Transaction } from '../../src/db/transaction.ts';
import { catchUp, ensureCheckpoints } from '../../src/projections/catch-up.ts';
import { projections } from '../../src/projections/catalog.ts';
import { tableOf, type Projection, type Range } from '../../src/projections/projection.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startService, type Reply, type Service } from '../support/service.ts';

// oxlint-disable-next-line typescript/no-explicit-any -- rows of all shapes are compared with literals
export type Row = Record<string, any>;

export type ReadSide = {
  readonly service: Service;
  /** With the rights of the service. */
  readonly pool: pg.Pool;
  /** Past the service. */
  readonly owner: pg.Pool;
  readonly ledgerId: number;
  readonly database: TestDatabase;
  /** One pass of one projection; resolves to how many events it applied. */
  catchUp(projection: Projection): Promise<bigint>;
  /** Rows of a query as the owner; `$1` is the ledger. */
  rows(sql: string, values?: readonly unknown[]): Promise<Row[]>;
  /** All rows of a read model's tables, in the order of their keys. */
  contents(projection: Projection, generation?: number): Promise<Row[][]>;
  head(): Promise<bigint>;
  checkpoint(projection: Projection): Promise<bigint>;
  close(): Promise<void>;
};

function openPool(url: string): pg.Pool {
  return createPool({
    ...{ url, name: 'test', max: 4, pipeline: true, connectTimeoutMs: 5_000, statementTimeoutMs: 30_000 },
    ...{
      lockTimeoutMs: 10_000,
      idleInTransactionTimeoutMs: 30_000,
      settings: { ...rangeSettings, synchronous_commit: 'off' },
    },
    onIdleError: (error) => {
      throw error;
    },
  });
}

export async function openReadSide(): Promise<ReadSide> {
  const database = await createTestDatabase();
  const service = await startService(database, { worker: false });
  const pool = openPool(asRole(database.url, 'coffer_service'));
  const owner = openPool(database.url);
  const ledgerId = await ledgerIdOf(pool, 'main');
  await ensureCheckpoints(pool, projections);

  async function rows(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    const found = await owner.query<Row>(sql, [ledgerId, ...values]);
    return found.rows;
  }

  return {
    ...{ service, pool, owner, ledgerId, database, rows },
    async catchUp(projection) {
      const { applied } = await catchUp(pool, ledgerId, [projection]);
      return applied.reduce((sum, { events }) => sum + events, 0n);
    },
    contents: (projection, generation = 1) => contentsOf(pool, ledgerId, projection, generation),
    head: async () =>
      (await rows('select head_position from ledgers where id = $1'))[0]!['head_position'] as bigint,
    async checkpoint(projection) {
      const sql = 'select position from read.checkpoints where ledger_id = $1 and projection = $2 and live';
      return (await rows(sql, [projection.name]))[0]!['position'] as bigint;
    },
    async close() {
      await pool.end();
      await owner.end();
      await service.close();
      await database.drop();
    },
  };
}

export async function contentsOf(
  tx: Transaction,
  ledgerId: number,
  projection: Projection,
  generation: number,
): Promise<Row[][]> {
  const tables: Row[][] = [];
  for (const base of projection.tables) {
    const table = tableOf(base, generation);
    const text = `select * from ${table} t where ledger_id = $1::integer order by t`;
    tables.push((await tx.query<Row>({ text, values: [ledgerId] })).rows);
  }
  return tables;
}

/** The tables of a generation beside the live one, empty. */
export async function createGeneration(
  tx: Transaction,
  projection: Projection,
  generation: number,
): Promise<void> {
  for (const base of projection.tables) {
    await tx.query({
      text: `create table ${tableOf(base, generation)} (like ${tableOf(base, 1)} including all)`,
    });
  }
}

class RolledBack extends Error {}

/** What the read model holds after these ranges, applied beside the live one in a transaction that leaves no trace. */
export async function foldedBeside(
  { pool, ledgerId }: ReadSide,
  projection: Projection,
  options: { generation: number; bounds: readonly bigint[] },
): Promise<Row[][]> {
  const { generation, bounds } = options;
  let contents: Row[][] = [];
  await inTransaction(pool, async (tx) => {
    for (const [index, to] of bounds.entries()) {
      const range: Range = { ledgerId, generation, from: bounds[index - 1] ?? 0n, to };
      await projection.apply(tx, range);
    }
    contents = await contentsOf(tx, ledgerId, projection, generation);
    throw new RolledBack();
  }).catch((error: unknown) => {
    if (!(error instanceof RolledBack)) throw error;
  });
  return contents;
}

/** The body of an accepted command. */
// oxlint-disable-next-line typescript/no-explicit-any -- bodies of all shapes
export function accepted(reply: Reply): any {
  if (reply.status !== 201) throw new Error(`not accepted: ${reply.status} ${reply.text}`);
  return reply.body;
}
