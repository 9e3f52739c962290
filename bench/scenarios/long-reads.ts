// Reading what has become long: history at both ends, and balances as they were. One client asks, so that a page's own time is seen and
// no queue before it. Only on request: the log takes a while to make.

import { walkHistory } from '../load/history-walk.ts';
import { seededRandom, type LoadPlan } from '../load/plan.ts';
import { withClient } from '../postgres/client.ts';
import { sendOne } from '../systems/setup.ts';
import type { LongLog } from '../systems/log-system.ts';
import type { System } from '../systems/system.ts';
import { alternate, systemContender } from './alternate.ts';
import type { Scenario } from './scenario.ts';

const PAGE = 50;
const DEEP_PAGE = 10_000;
/** Pages that are asked for by turns at each end. */
const NEIGHBOURS = 20;
const MOMENTS = 1_000;
const CHECKED_MOMENTS = 10;

const page = (number: number): string => `history, from page ${number.toLocaleString('en')} on`;

/** Names of the rows. A shorter log has a deep row of another name, which no goal finds. */
export const LONG_READS = {
  first: page(1),
  deep: page(DEEP_PAGE),
  asOf: 'balance as of a position',
  at: 'balance at a time',
} as const;

export const longReads: Scenario = {
  name: 'long-reads',
  title: `reads of a long log, one client`,
  onRequest: true,
  async run(bench) {
    const log = await bench.longLog();
    const { system } = log;
    const wallet = await longestWallet(system);
    const deepPage = Math.min(DEEP_PAGE, Math.floor(wallet.entries / PAGE) - NEIGHBOURS);
    if (deepPage < 2) throw new Error(`the longest wallet has ${wallet.entries} entries: make a longer log`);
    bench.log(`  walking to page ${deepPage} of a wallet with ${wallet.entries} entries`);
    const { pages, faults } = await walkHistory(system.baseUrl, {
      ...{ walletId: wallet.id, page: PAGE, neighbours: NEIGHBOURS },
      ...{ first: 1, deep: deepPage, balance: wallet.balance },
    });
    const path = `/wallets/${wallet.owner}/${wallet.asset}/balance`;
    const moments = await randomMoments(log);
    faults.push(...(await wrongBalances(system, { path, walletId: wallet.id, moments })));
    for (const fault of faults) bench.fail(`long-reads: ${fault}`);
    const plans = {
      first: pages.first,
      deep: pages.deep,
      asOf: moments.map(({ position }) => `${path}?asOf=${position}`),
      at: moments.map(({ time }) => `${path}?at=${encodeURIComponent(time)}`),
    };
    const contenders = (['first', 'deep', 'asOf', 'at'] as const).map((name) => ({
      ...systemContender(bench, system, { plan: reads(plans[name]), connections: 1 }),
      name: name === 'deep' ? page(deepPage) : LONG_READS[name],
    }));
    const rows = await alternate(bench, contenders);
    return {
      rows,
      facts: [
        { name: 'events', label: 'events of the log', value: log.events, unit: 'events' },
        { name: 'entries', label: 'entries of the wallet', value: wallet.entries, unit: 'entries' },
      ],
    };
  },
};

function reads(paths: readonly string[]): LoadPlan {
  return { requests: paths.map((path) => ({ method: 'GET', path })), keyed: false };
}

type Wallet = { id: string; owner: string; asset: string; entries: number; balance: bigint };

async function longestWallet({ databaseUrl }: System): Promise<Wallet> {
  return withClient(databaseUrl, async (client) => {
    const { rows } = await client.query<{ id: string; owner: string; asset: string; balance: string }>(`
select w.id, w.owner, a.slug as asset, w.balance
  from wallets w
  join assets a on a.ledger_id = w.ledger_id and a.id = w.asset_id
 where w.ledger_id = 1
   and not w.is_system
 order by w.seq desc
 limit 1`);
    const [wallet] = rows;
    if (wallet === undefined) throw new Error('the log has no wallets');
    const { rows: counted } = await client.query<{ entries: string }>(
      'select count(*) as entries from ledger_entries where ledger_id = 1 and wallet_id = $1 and amount <> 0',
      [wallet.id],
    );
    return { ...wallet, balance: BigInt(wallet.balance), entries: Number(counted[0]?.entries) };
  });
}

type Moment = { position: string; time: string };

/** All over the log. */
async function randomMoments({ system, events }: LongLog): Promise<Moment[]> {
  const random = seededRandom(3);
  const positions = Array.from({ length: MOMENTS }, () => 1 + Math.floor(random() * events));
  return withClient(system.databaseUrl, async (client) => {
    const { rows } = await client.query<Moment>(
      `
select position::text, to_char(recorded_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as time
  from events
 where ledger_id = 1
   and position = any ($1::bigint[])`,
      [positions],
    );
    return rows;
  });
}

type Asked = { path: string; walletId: string; moments: readonly Moment[] };

/** Some of them, against a plain sum of what was entered until then. */
async function wrongBalances(system: System, { path, walletId, moments }: Asked): Promise<string[]> {
  const faults: string[] = [];
  await withClient(system.databaseUrl, async (client) => {
    for (const { position, time } of moments.slice(0, CHECKED_MOMENTS)) {
      const { rows } = await client.query<{ as_of: string; at: string }>(
        `
select coalesce(sum(amount) filter (where position <= $2::bigint), 0) as as_of,
       coalesce(sum(amount) filter (where recorded_at <= $3::timestamptz), 0) as at
  from ledger_entries
 where ledger_id = 1
   and wallet_id = $1`,
        [walletId, position, time],
      );
      for (const [query, expected] of [
        [`asOf=${position}`, rows[0]?.as_of],
        [`at=${encodeURIComponent(time)}`, rows[0]?.at],
      ]) {
        const answer = await sendOne(system.baseUrl, { method: 'GET', path: `${path}?${query}` }, '');
        const { balance } = answer as { balance: string };
        if (balance !== expected)
          faults.push(`?${query} answered ${balance}, the entries sum to ${expected}`);
      }
    }
  });
  return faults;
}
