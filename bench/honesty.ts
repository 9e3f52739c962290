// Throughput counts only if what was acknowledged is in the database, once, and sums to zero. A closed
// loop hangs up with one request in flight per connection, whose outcome nobody was told: so the number
// of transactions lies between the acknowledged and those plus the cut off.

import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { balanceReads } from './load/plan.ts';
import { sendAll } from './systems/setup.ts';
import type { System } from './systems/system.ts';

export type HonestyReport = {
  system: string;
  acknowledged: number;
  cutOff: number;
  posted: number;
  findings: string[];
};

export async function checkHonesty(system: System): Promise<HonestyReport> {
  await system.settle();
  const client = new Client({ connectionString: system.databaseUrl });
  await client.connect();
  try {
    const sql = system.honestySql;
    const posted = await stableValue(client, sql.postedTransactions);
    const { acknowledged, cutOff } = system.tally;
    const findings: string[] = [];
    if (posted < acknowledged) findings.push(`${acknowledged} acknowledged but only ${posted} posted`);
    if (posted > acknowledged + cutOff) {
      findings.push(`${posted} posted but at most ${acknowledged + cutOff} sent to the end`);
    }
    const keys = await value(client, sql.distinctKeys);
    if (keys !== posted) findings.push(`${posted} posted under ${keys} keys`);
    const entries = await value(client, sql.sumOfEntries);
    if (entries !== 0) findings.push(`the entries sum to ${entries}, not 0`);
    const wallets = await value(client, sql.sumOfWallets);
    if (wallets !== 0) findings.push(`the wallets sum to ${wallets}, not 0`);
    const held = await value(client, sql.usersTotal);
    const shown = await sumOfShownBalances(system);
    if (shown !== held) findings.push(`users own ${held}, GET balance shows them ${shown}`);
    return { system: system.name, acknowledged, cutOff, posted, findings };
  } finally {
    await client.end();
  }
}

/** The last cut-off requests may still be committing: wait until the count stands still. */
async function stableValue(client: Client, sql: string): Promise<number> {
  let last = await value(client, sql);
  for (;;) {
    await sleep(300);
    const next = await value(client, sql);
    if (next === last) return next;
    last = next;
  }
}

async function value(client: Client, sql: string): Promise<number> {
  const { rows } = await client.query<Record<string, string | null>>(sql);
  return Number(Object.values(rows[0] ?? {})[0] ?? 0);
}

async function sumOfShownBalances(system: System): Promise<number> {
  const answers = await sendAll(system.baseUrl, balanceReads(system.enrolled(), system.assetSlug).requests);
  return answers.reduce<number>((sum, answer) => sum + Number((answer as { balance: string }).balance), 0);
}
