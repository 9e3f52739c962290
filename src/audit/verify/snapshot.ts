/** What a verification needs to know of one moment: how far everything is, and the rows that go on changing. One short snapshot. */
import type { Pool, PoolClient } from 'pg';
import { headPosition } from '../../events/head.ts';
import { NOTHING_LIMITED, type Limited } from '../fold/limit-facts.ts';
import { readPublicKeys } from '../sealed/checkpoint-log.ts';
import { BLOCK_LEVEL } from '../tree/block-hashes.ts';
import { readRefusal } from '../sealed/refusals.ts';
import { SPOOLED_TABLES } from './spooled-rows.ts';
import type { SealedIncarnation } from './incarnation-check.ts';
import type { Spool } from './spool.ts';

/** How many rows of what has ended there are, of the write side and of the read model. */
type Closed = { readonly written: bigint; readonly read: bigint };

export type Snapshot = {
  /** The last position; everything up to it is verified. */
  readonly head: bigint;
  /** Rows of events that are not in the log, below its beginning or beyond its head: only a forger can have put them there. */
  readonly outside: {
    readonly event: bigint | null;
    readonly entry: bigint | null;
    readonly transaction: bigint | null;
  };
  /** Where each read model stands, by projection. */
  readonly projected: ReadonlyMap<string, bigint>;
  /** Wallets, and assets by slug, that have limits by their rows. */
  readonly limited: Limited;
  readonly closedHolds: Closed;
  readonly closedSchedules: Closed;
  readonly incarnations: readonly SealedIncarnation[];
  /** The ledger's clock, and what it should be by the last event, where the two differ. */
  readonly clock: { readonly found: string; readonly expected: string } | null;
  /** Why the sealer signs nothing more, if it says so. */
  readonly refusal: string | null;
  /** The keys that have sealed, as the database names them. */
  readonly publicKeys: readonly string[];
};

/** Rejects with the database's error. */
export async function takeSnapshot(pool: Pool, ledgerId: number, spool: Spool): Promise<Snapshot> {
  const client = await pool.connect();
  try {
    await client.query('begin isolation level repeatable read, read only');
    const snapshot = await readSnapshot(client, ledgerId);
    for (const { name, query } of SPOOLED_TABLES) await spool.write(client, name, query(ledgerId));
    await client.query('commit');
    return snapshot;
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  } finally {
    client.release();
  }
}

async function readSnapshot(client: PoolClient, ledgerId: number): Promise<Snapshot> {
  const head = await headPosition(client, ledgerId);
  const checkpoints = await client.query<{ projection: string; position: bigint }>({
    text: 'select projection, position from read.checkpoints where ledger_id = $1::integer and live',
    values: [ledgerId],
  });
  const projected = new Map(checkpoints.rows.map(({ projection, position }) => [projection, position]));
  const outside = await client.query<Snapshot['outside']>({
    text: `
select coalesce(
         (select min(position) from events where ledger_id = $1::integer and position > $2::bigint),
         (select max(position) from events where ledger_id = $1::integer and position < 1)
       ) as event,
       coalesce(
         (select min(position) from ledger_entries where ledger_id = $1::integer and position > $2::bigint),
         (select max(position) from ledger_entries where ledger_id = $1::integer and position < 1)
       ) as entry,
       coalesce(
         (select min(position) from read.transactions where ledger_id = $1::integer and position > $3::bigint),
         (select max(position) from read.transactions where ledger_id = $1::integer and position < 1)
       ) as transaction`,
    values: [ledgerId, head, projected.get('transactions') ?? 0n],
  });
  const holds = await client.query<Closed>({
    text: `
select (select count(*) from holds where ledger_id = $1::integer and status <> 'open') as written,
       (select count(*) from read.holds where ledger_id = $1::integer and status <> 'open') as read`,
    values: [ledgerId],
  });
  const limited = await client.query<{ wallets: string[]; assets: string[] }>({
    text: `
select array(select id::text from wallets where ledger_id = $1::integer and limits is not null) as wallets,
       array(select slug from assets where ledger_id = $1::integer and limits is not null) as assets`,
    values: [ledgerId],
  });
  const schedules = await client.query<Closed>({
    text: `
select (select count(*) from schedules where ledger_id = $1::integer and status <> 'scheduled') as written,
       (select count(*) from read.scheduled where ledger_id = $1::integer and status <> 'scheduled') as read`,
    values: [ledgerId],
  });
  const clocks = await client.query<{ found: string; expected: string }>({
    text: `
select l.head_recorded_at as found, e.recorded_at as expected
  from ledgers l
  join events e
    on e.ledger_id = l.id
   and e.position = l.head_position
 where l.id = $1::integer
   and e.recorded_at <> l.head_recorded_at`,
    values: [ledgerId],
  });
  return {
    ...{ head, projected },
    outside: outside.rows[0] ?? { event: null, entry: null, transaction: null },
    closedHolds: holds.rows[0] ?? { written: 0n, read: 0n },
    limited: limited.rows[0] ?? NOTHING_LIMITED,
    closedSchedules: schedules.rows[0] ?? { written: 0n, read: 0n },
    incarnations: await readSealedIncarnations(client, ledgerId),
    clock: clocks.rows[0] ?? null,
    refusal: await readRefusal(client, ledgerId),
    publicKeys: await readPublicKeys(client, ledgerId),
  };
}

async function readSealedIncarnations(client: PoolClient, ledgerId: number): Promise<SealedIncarnation[]> {
  const { rows } = await client.query<SealedIncarnation>({
    text: `
select i.number, i.origin, i.succeeds,
       coalesce((select max(c.tree_size)
                   from audit_checkpoints c
                  where c.ledger_id = i.ledger_id
                    and c.incarnation = i.number), 0) as sealed,
       coalesce((select max(n.index) + 1
                   from audit_nodes n
                  where n.ledger_id = i.ledger_id
                    and n.incarnation = i.number
                    and n.level = ${BLOCK_LEVEL}), 0) as blocks
  from audit_incarnations i
 where i.ledger_id = $1::integer
 order by i.number`,
    values: [ledgerId],
  });
  return rows;
}
