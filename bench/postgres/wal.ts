// What a measurement cost the log of PostgreSQL. Flushes against commits also show that commits are
// durable: a system that answered before the disk did would need fewer flushes than batches.

import { Client } from 'pg';

export type WalUsage = { bytes: number; flushes: number; commits: number };

export async function readWal(databaseUrl: string): Promise<WalUsage> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows: version } = await client.query<{ major: number }>(
      `select current_setting('server_version_num')::int / 10000 as major`,
    );
    // PostgreSQL 18 moved the count of flushes from pg_stat_wal to pg_stat_io.
    const flushes =
      (version[0]?.major ?? 0) >= 18
        ? `(select sum(fsyncs) from pg_stat_io where object = 'wal')`
        : `(select wal_sync from pg_stat_wal)`;
    const { rows } = await client.query<{ bytes: string; flushes: string; commits: string }>(`
      select (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::text as bytes,
        ${flushes}::text as flushes,
        (select xact_commit from pg_stat_database where datname = current_database())::text as commits`);
    const [row] = rows;
    if (!row) throw new Error('no statistics of the log');
    return { bytes: Number(row.bytes), flushes: Number(row.flushes), commits: Number(row.commits) };
  } finally {
    await client.end();
  }
}

export function walSince(before: WalUsage, after: WalUsage): WalUsage {
  return {
    bytes: after.bytes - before.bytes,
    flushes: after.flushes - before.flushes,
    commits: after.commits - before.commits,
  };
}
