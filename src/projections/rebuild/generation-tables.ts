/** Tables of a generation: made of the shape without indexes, filled, then indexed; and dropped in the end. */
import type { Transaction } from '../../db/transaction.ts';
import { SHAPE, tableOf, type Projection } from '../projection.ts';

/** An index costs far less made once than kept up row by row. */
export async function createTables(
  tx: Transaction,
  projection: Projection,
  generation: number,
): Promise<void> {
  for (const base of projection.tables) {
    const shape = tableOf(base, SHAPE);
    const { rows } = await tx.query<{ options: string | null }>({
      text: `
select array_to_string(reloptions, ', ') as options
  from pg_class
 where oid = $1::text::regclass`,
      values: [shape],
    });
    const options = rows[0]?.options ?? null;
    await tx.query({
      text: `create table ${tableOf(base, generation)} (like ${shape} including all excluding indexes)
${options === null ? '' : `with (${options})`}`,
    });
  }
}

/** Rows that the first impression samples are 300 times this. By default four times as many: as long as an index takes to make. */
const STATISTICS_TARGET = 25;

/** Also gives the planner its first impression: a table that was filled a moment ago has no statistics. */
export async function indexTables(
  tx: Transaction,
  projection: Projection,
  generation: number,
): Promise<void> {
  await tx.query({ text: `set local default_statistics_target = ${STATISTICS_TARGET}` });
  for (const base of projection.tables) {
    const table = tableOf(base, generation);
    const { rows } = await tx.query<{ constraint: string | null; definition: string }>({
      text: `
select pg_get_constraintdef(c.oid) as constraint, pg_get_indexdef(i.indexrelid) as definition
  from pg_index i
  left join pg_constraint c
    on c.conindid = i.indexrelid
   and c.contype in ('p', 'u')
 where i.indrelid = $1::text::regclass
 order by i.indexrelid`,
      values: [tableOf(base, SHAPE)],
    });
    for (const { constraint, definition } of rows) {
      const text =
        constraint === null
          ? definition.replace(/^CREATE (UNIQUE )?INDEX \S+ ON \S+/, `create $1index on ${table}`)
          : `alter table ${table} add ${constraint}`;
      await tx.query({ text });
    }
    await tx.query({ text: `analyze ${table}` });
  }
}

/**
 * And with them all that was noted of the generation, but not its row in read.generations. Its checkpoints go first:
 * a pass that moves them is waited for, and the next one doesn't find them.
 */
export async function dropTables(
  tx: Transaction,
  tables: readonly string[],
  { projection, generation }: { projection: string; generation: number },
): Promise<void> {
  for (const noted of ['read.checkpoints', 'read.rebuild_parts']) {
    await tx.query({
      text: `
delete from ${noted}
 where projection = $1::text
   and generation = $2::integer`,
      values: [projection, generation],
    });
  }
  for (const base of tables) await tx.query({ text: `drop table if exists ${tableOf(base, generation)}` });
}
