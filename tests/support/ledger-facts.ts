/** What must hold of every ledger whatever happened to it, asked of the tables with SQL of its own. */
import assert from 'node:assert/strict';
import type pg from 'pg';
import { canonicalJson } from '../../src/events/canonical.ts';
import { keyHash } from '../../src/events/key-hash.ts';

/** Queries that find what must not be: each must come back empty. */
const faults: Readonly<Record<string, string>> = {
  'positions have gaps or the head is wrong': `
select l.id from ledgers l
 where l.head_position <> (select count(*) from events e where e.ledger_id = l.id)
    or l.head_position <> (select coalesce(max(e.position), 0) from events e where e.ledger_id = l.id)`,
  'recorded_at goes back': `
select position
  from (select position, recorded_at, lag(recorded_at) over (order by position) as before, occurred_at from events) e
 where recorded_at < before or recorded_at < occurred_at`,
  'entries of an event do not sum to zero': `
select position, asset_id from ledger_entries group by position, asset_id having sum(amount) <> 0`,
  'wallets of an asset do not sum to zero': `
select asset_id from wallets group by asset_id having sum(balance) <> 0`,
  'a wallet is not the sum of its entries': `
select w.id
  from wallets w
  left join (select wallet_id, sum(amount) as total, count(*) as entries, max(seq) as last
               from ledger_entries group by wallet_id) e on e.wallet_id = w.id
 where w.balance <> coalesce(e.total, 0) or w.seq <> coalesce(e.entries, 0) or w.seq <> coalesce(e.last, 0)`,
  'balance_after does not follow from the entry before': `
select position
  from (select position, amount, balance_after, seq,
               lag(balance_after, 1, 0::numeric) over wallet as before, lag(seq, 1, 0::bigint) over wallet as before_seq
          from ledger_entries window wallet as (partition by wallet_id order by position, leg)) e
 where balance_after <> before + amount or seq <> before_seq + 1`,
  'a wallet is below its floor': 'select id from wallets where balance - held < floor',
  'a key is carried by more than one event': `
select idempotency_key from events where idempotency_key is not null group by idempotency_key having count(*) > 1`,
  'a key and its event do not find each other': `
select k.position
  from idempotency_keys k
  full join (select * from events where idempotency_key is not null) e using (ledger_id, position)
 where k.position is null or e.position is null`,
};

export async function assertLedgerIsSound(client: pg.Client): Promise<void> {
  for (const [fault, sql] of Object.entries(faults)) {
    const { rows } = await client.query(sql);
    assert.deepEqual(rows, [], fault);
  }
  const { rows } = await client.query<{ data: string; key: string | null; hash: Buffer | null }>(`
select e.data::text as data, e.idempotency_key as key, k.key_hash as hash
  from events e
  left join idempotency_keys k using (ledger_id, position)`);
  for (const { data, key, hash } of rows) {
    assert.equal(data, canonicalJson(JSON.parse(data)), 'data is not canonical');
    assert.deepEqual(hash, key === null ? null : keyHash(key), 'a key is filed under another hash');
  }
}

/** How many events carry this key: 0 or 1. */
export async function eventsWithKey(client: pg.Client, key: string): Promise<number> {
  const { rows } = await client.query<{ count: number }>(
    'select count(*)::integer as count from events where idempotency_key = $1',
    [key],
  );
  return rows[0]!.count;
}

export async function headPosition(client: pg.Client): Promise<bigint> {
  const { rows } = await client.query<{ head: string }>(
    'select head_position::text as head from ledgers where id = 1',
  );
  return BigInt(rows[0]!.head);
}

/** The id of a user's wallet, or of the asset's treasury. */
export async function walletIdOf(client: pg.Client, owner: string, assetSlug: string): Promise<string> {
  const { rows } = await client.query<{ id: string }>(
    'select w.id from wallets w join assets a on a.id = w.asset_id where w.owner = $1 and a.slug = $2',
    [owner, assetSlug],
  );
  return rows[0]!.id;
}

export async function balanceOf(client: pg.Client, owner: string, assetSlug: string): Promise<string> {
  const { rows } = await client.query<{ balance: string }>(
    'select w.balance::text as balance from wallets w join assets a on a.id = w.asset_id where w.owner = $1 and a.slug = $2',
    [owner, assetSlug],
  );
  return rows[0]!.balance;
}

/** Opens a transaction that holds these wallets' rows until the client commits or rolls back. */
export async function holdWallets(client: pg.Client, ...walletIds: string[]): Promise<void> {
  await client.query('begin');
  await client.query('select id from wallets where id = any ($1::uuid[]) for update', [walletIds]);
}
