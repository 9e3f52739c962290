/**
 * A rebuilt generation against the live one: every row of every table, in one snapshot in which both stand at the
 * same position. What differs is saved, so that it can be looked into after the live one is gone.
 */
import type { Transaction } from '../../db/transaction.ts';
import { SHAPE, tableOf, type Projection } from '../projection.ts';

/** Differences of a table that are saved; all are counted. */
const MAX_SAVED = 1_000;

export type Generations = { readonly generation: number; readonly live: number };

export type Comparison = { readonly rows: bigint; readonly differences: bigint };

export async function compareGenerations(
  tx: Transaction,
  projection: Projection,
  generations: Generations,
): Promise<Comparison> {
  // Both are read as a whole, in the order of their keys: the plans that suit ranges of the log do not suit this, and hashing takes
  // twice the time of a processor, and memory for all rows.
  await tx.query({
    text: `
select set_config('enable_seqscan', 'on', true), set_config('enable_mergejoin', 'on', true),
       set_config('enable_hashjoin', 'off', true)`,
  });
  let [rows, differences] = [0n, 0n];
  for (const base of projection.tables) {
    const found = await compareTables(tx, projection, { ...generations, base });
    rows += found.rows;
    differences += found.differences;
  }
  return { rows, differences };
}

async function compareTables(
  tx: Transaction,
  projection: Projection,
  { base, generation, live }: Generations & { base: string },
): Promise<Comparison> {
  const tables = { rebuilt: tableOf(base, generation), live: tableOf(base, live) };
  const { key, others } = await comparedColumns(tx, base, live);
  const listOf = (alias: string, columns: readonly string[]) =>
    columns.map((column) => `${alias}.${column}`).join(', ');
  const keyValues = key
    .map((column) => `'${column.replaceAll('"', '')}', coalesce(b.${column}, a.${column})`)
    .join(', ');
  const differing = `
    from ${tables.live} a
    full join ${tables.rebuilt} b
      on (${listOf('a', key)}) = (${listOf('b', key)})`;
  const differs = `
      a.ledger_id is null
      or b.ledger_id is null
      or (${listOf('a', others)}) is distinct from (${listOf('b', others)})`;
  const { rows } = await tx.query<Comparison>({
    text: `
select count(b.ledger_id) as rows, count(*) filter (where ${differs}) as differences${differing}`,
  });
  const [found] = rows;
  if (found === undefined) throw new Error('a comparison gave no row');
  if (found.differences === 0n) return found;
  await tx.query({
    text: `
insert into read.rebuild_differences (ledger_id, projection, generation, table_name, key, live_row, rebuilt_row)
select coalesce(b.ledger_id, a.ledger_id), $1::text, $2::integer, $3::text, jsonb_build_object(${keyValues}), to_jsonb(a),
       to_jsonb(b)${differing}
   where ${differs}
   limit ${MAX_SAVED}`,
    values: [projection.name, generation, base],
  });
  return found;
}

/** Columns that both have: a live table of before a change of the shape may lack some. */
async function comparedColumns(
  tx: Transaction,
  base: string,
  live: number,
): Promise<{ key: string[]; others: string[] }> {
  const { rows } = await tx.query<{ name: string; in_key: boolean }>({
    text: `
select quote_ident(a.attname) as name, coalesce(a.attnum = any (i.indkey), false) as in_key
  from pg_attribute a
  join pg_attribute l
    on l.attrelid = $2::text::regclass
   and l.attname = a.attname
   and not l.attisdropped
  left join pg_index i
    on i.indrelid = a.attrelid
   and i.indisprimary
 where a.attrelid = $1::text::regclass
   and a.attnum > 0
   and not a.attisdropped
 order by a.attnum`,
    values: [tableOf(base, SHAPE), tableOf(base, live)],
  });
  const namesOf = (inKey: boolean) => rows.filter((row) => row.in_key === inKey).map(({ name }) => name);
  return { key: namesOf(true), others: namesOf(false) };
}
