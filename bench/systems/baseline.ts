import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { TREASURY_OWNER_ID } from '../baseline/transaction.ts';
import { freePort, startProcess, waitUntilReady } from '../child-process.ts';
import { watchMemory } from '../process-figures.ts';
import { endSystem, fundUsers } from './setup.ts';
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
  const users = await createSchemaAndUsers(databaseUrl, userCount);
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
    users,
    assetSlug: ASSET_SLUG,
    tally: { acknowledged: await fundUsers(baseUrl, users, ASSET_SLUG), cutOff: 0 },
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

async function createSchemaAndUsers(databaseUrl: string, userCount: number): Promise<string[]> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query(await readFile(new URL('../baseline/schema.sql', import.meta.url), 'utf8'));
    await client.query('insert into assets (slug, name) values ($1, $1)', [ASSET_SLUG]);
    await client.query('insert into wallets (owner_id, asset_slug, is_treasury) values ($1, $2, true)', [
      TREASURY_OWNER_ID,
      ASSET_SLUG,
    ]);
    const users = Array.from({ length: userCount }, () => crypto.randomUUID());
    await client.query(
      `insert into users (id, email)
       select id, id || '@example.com'
       from unnest($1::uuid[]) as id`,
      [users],
    );
    await client.query(
      `insert into wallets (owner_id, asset_slug)
       select id, $2
       from unnest($1::uuid[]) as id`,
      [users, ASSET_SLUG],
    );
    return users;
  } finally {
    await client.end();
  }
}
