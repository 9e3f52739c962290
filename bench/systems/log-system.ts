// Coffer on a log that is there already. What the run adds to it is told from what was there by its position.

import type { Client } from 'pg';
import { withClient } from '../postgres/client.ts';
import { startCofferOn } from './coffer.ts';
import { ASSETS } from '../fill/requests.ts';
import type { System, SystemStart } from './system.ts';

export type LongLog = {
  readonly system: System;
  /** When the run began. */
  readonly events: number;
  /** What each of them took on disk, with its indexes, heads and read models. */
  readonly bytesPerEvent: number;
};

/** A log that bench/fill made is vacuumed, but its read models may be as far behind as it is long. */
const CATCH_UP_TIMEOUT_MS = 3_600_000;

/** With `userCount` of its users, of those who can be paid in the asset most used. */
export async function startOnLongLog({
  databaseUrl,
  userCount,
  defer,
}: Omit<SystemStart, 'environment'>): Promise<LongLog> {
  const slug = ASSETS[0]?.slug ?? '';
  const running = await startCofferOn({ name: 'long log', databaseUrl, defer });
  await running.settle(CATCH_UP_TIMEOUT_MS);
  const { events, bytes, users } = await withClient(databaseUrl, async (client) => {
    // What was left to be written back, of the fill or of catching up, is not to be measured.
    await client.query('checkpoint');
    const { rows } = await client.query<{ events: string; bytes: string }>(
      'select head_position as events, pg_database_size(current_database()) as bytes from ledgers where id = 1',
    );
    const [row] = rows;
    const users = await payableUsers(client, slug, userCount);
    return { events: Number(row?.events), bytes: Number(row?.bytes), users };
  });
  if (users.length === 0) throw new Error('the log has no users who can be paid');
  const system: System = {
    ...running,
    users,
    crowd: () => Promise.reject(new Error('the users of a long log are those it has')),
    enrolled: () => users,
    assetSlug: slug,
    tally: { acknowledged: 0, cutOff: 0 },
    honestySql: {
      postedTransactions: `select count(*) from events where type = 'transaction.posted' and position > ${events}`,
      distinctKeys: `select count(distinct idempotency_key) from events where type = 'transaction.posted' and position > ${events}`,
      sumOfEntries: `select coalesce(sum(amount), 0) from ledger_entries where position > ${events}`,
      sumOfWallets: 'select sum(balance) from wallets',
      usersTotal: `
select sum(w.balance)
  from wallets w
  join assets a on a.ledger_id = w.ledger_id and a.id = w.asset_id
 where a.slug = '${slug}'
   and w.owner in (${users.map((id) => `'${id}'`).join(', ')})`,
    },
  };
  return { system, events, bytesPerEvent: bytes / events };
}

/** From all over the log: those who came last are not those whose wallets lie together. */
async function payableUsers(client: Client, slug: string, count: number): Promise<string[]> {
  const { rows } = await client.query<{ id: string }>(
    `
select u.id
  from wallets w
  join assets a on a.ledger_id = w.ledger_id and a.id = w.asset_id
  join users u on u.ledger_id = w.ledger_id and u.id::text = w.owner
 where w.ledger_id = 1
   and a.slug = $1
   and not w.is_system
   and w.status = 'ACTIVE'
   and u.status = 'ACTIVE'
 order by hashtext(w.owner), w.owner
 limit $2`,
    [slug, count],
  );
  return rows.map(({ id }) => id);
}
