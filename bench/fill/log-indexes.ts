// Indexes of the tables that grow with the log, taken away while a log is copied and made again afterwards, as they were: sorting all
// keys once costs a fraction of finding the place of each. Constraints hold all the same, since an index that is made checks them.

import type { Client } from 'pg';

const TABLES = ['events', 'ledger_entries', 'idempotency_keys'];

type IndexRow = { table: string; name: string; definition: string; constraint: string | null };

/** The client is in a transaction, which nobody else sees the inside of. Triggers stay on. */
export async function dropIndexes(client: Client): Promise<{ restore: () => Promise<void> }> {
  const { rows } = await client.query<IndexRow>(
    `
select i.indrelid::regclass::text as table, i.indexrelid::regclass::text as name,
       pg_get_indexdef(i.indexrelid) as definition, pg_get_constraintdef(c.oid) as constraint
  from pg_index i
  left join pg_constraint c
    on c.conindid = i.indexrelid
   and c.contype in ('p', 'u')
 where i.indrelid = any ($1::regclass[])
 order by i.indexrelid`,
    [TABLES],
  );
  for (const { table, name, constraint } of rows)
    await client.query(
      constraint === null ? `drop index ${name}` : `alter table ${table} drop constraint ${name}`,
    );
  return {
    async restore() {
      await client.query("set local maintenance_work_mem = '256MB'");
      for (const { table, name, constraint, definition } of rows)
        await client.query(
          constraint === null ? definition : `alter table ${table} add constraint ${name} ${constraint}`,
        );
    },
  };
}
