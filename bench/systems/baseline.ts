import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { TREASURY_OWNER_ID } from '../baseline/transaction.ts';
import { freePort, startProcess, waitUntilReady } from '../child-process.ts';
import { withClient } from '../postgres/client.ts';
import { watchMemory } from '../process-figures.ts';
import { endSystem, FUNDS } from './setup.ts';
import type { System, SystemStart } from './system.ts';

const ASSET_SLUG = 'coins';
const READY_TIMEOUT_MS = 15_000;

export type BaselineStart = SystemStart & { poolSize: number };

export async function startBaseline({
  databaseUrl,
  userCount,
  defer,
  poolSize,
}: BaselineStart): Promise<System> {
  await createSchema(databaseUrl);
  const tally = { acknowledged: 0, cutOff: 0 };
  const enrolled: string[] = [];
  async function enroll(count: number): Promise<void> {
    const users = Array.from({ length: count - enrolled.length }, () => crypto.randomUUID());
    await createUsers(databaseUrl, users);
    tally.acknowledged += users.length;
    enrolled.push(...users);
  }
  await enroll(userCount);
  const port = await freePort();
  const baseUrl = `http://127.0.0.1:${port}`;
  const process_ = startProcess({
    command: process.execPath,
    args: [fileURLToPath(new URL('../baseline/server.ts', import.meta.url))],
    env: { ...process.env, DATABASE_URL: databaseUrl, PORT: String(port), POOL_SIZE: String(poolSize) },
  });
  const memory = watchMemory(process_.pid);
  defer(() => endSystem({ name: 'baseline', process: process_, memory }));
  await waitUntilReady({ process: process_, url: `${baseUrl}/ready`, timeoutMs: READY_TIMEOUT_MS });
  return {
    name: 'baseline',
    baseUrl,
    databaseUrl,
    process: process_,
    memory,
    users: [...enrolled],
    async crowd(count) {
      if (count > enrolled.length) await enroll(count);
      return enrolled.slice(0, count);
    },
    enrolled: () => enrolled,
    assetSlug: ASSET_SLUG,
    tally,
    honestySql: {
      postedTransactions: 'select count(*) from transactions',
      distinctKeys: 'select count(distinct idempotency_key) from transactions',
      sumOfEntries: 'select sum(amount) from entries',
      sumOfWallets: 'select sum(balance) from wallets',
      usersTotal: 'select sum(balance) from wallets where not is_treasury',
    },
    readBatches: () => undefined,
    settle: () => undefined,
  };
}

async function createSchema(databaseUrl: string): Promise<void> {
  await withClient(databaseUrl, async (client) => {
    await client.query(await readFile(new URL('../baseline/schema.sql', import.meta.url), 'utf8'));
    await client.query('insert into assets (slug, name) values ($1, $1)', [ASSET_SLUG]);
    await client.query('insert into wallets (owner_id, asset_slug, is_treasury) values ($1, $2, true)', [
      TREASURY_OWNER_ID,
      ASSET_SLUG,
    ]);
  });
}

/** With their wallets, and a top-up each with the rows that the service would have written: one by one it would take minutes. */
async function createUsers(databaseUrl: string, users: readonly string[]): Promise<void> {
  await withClient(databaseUrl, async (client) => {
    await client.query('begin');
    await client.query(
      "insert into users (id, email) select id, id || '@example.com' from unnest($1::uuid[]) as id",
      [users],
    );
    await client.query(
      `
with opened as (
  insert into wallets (owner_id, asset_slug, balance)
  select id, $2::text, $3::numeric
    from unnest($1::uuid[]) as id
  returning id, owner_id
), posted as (
  insert into transactions (idempotency_key, type, asset_slug, from_owner_id, to_owner_id, amount)
  select 'funds of ' || id, 'topup', $2::text, $4::uuid, id, $3::numeric
    from unnest($1::uuid[]) as id
  returning id, to_owner_id
), treasury as (
  update wallets
     set balance = balance - $3::numeric * cardinality($1::uuid[])
   where owner_id = $4::uuid
     and asset_slug = $2::text
  returning id, balance + $3::numeric * cardinality($1::uuid[]) as balance_before
)
insert into entries (transaction_id, wallet_id, amount, balance_after)
select p.id, leg.wallet_id, leg.amount, leg.balance_after
  from (select *, row_number() over (order by id) as ordinal from posted) p
  join opened o on o.owner_id = p.to_owner_id
 cross join treasury t
 cross join lateral (values (t.id, -$3::numeric, t.balance_before - $3::numeric * p.ordinal),
                            (o.id, $3::numeric, $3::numeric)) as leg (wallet_id, amount, balance_after)
 order by p.ordinal, leg.amount`,
      [users, ASSET_SLUG, FUNDS, TREASURY_OWNER_ID],
    );
    await client.query('commit');
    // As autovacuum would have done by the time that so many had come one by one.
    await client.query('vacuum (analyze) users, wallets, transactions, entries');
  });
}
