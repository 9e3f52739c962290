// The textbook wallet transaction: one database transaction per request, both wallets locked in the
// order of their ids, so that two requests can't deadlock. Each statement is one round trip, and the
// treasury's row stays locked from the third of them until the commit is on disk. This is what Coffer
// is measured against, so it is written as well as the design allows: every statement is prepared and
// named, both entries go in one insert, and the lock and the read are one statement.

import type { Pool, PoolClient } from 'pg';

export const TREASURY_OWNER_ID = '00000000-0000-0000-0000-000000000000';

export type Movement = {
  idempotencyKey: string;
  type: 'topup' | 'transfer';
  fromOwnerId: string;
  toOwnerId: string;
  assetSlug: string;
  amount: string;
  reference: string | null;
  metadata: Record<string, string> | null;
};

export type Posted = {
  transactionId: string;
  type: string;
  status: 'posted';
  asset: string;
  amount: string;
  entries: { walletId: string; amount: string; balanceAfter: string }[];
  recordedAt: string;
  reference: string | null;
  metadata: Record<string, string> | null;
};

export type Refusal = { refused: 'wallet_not_found' | 'insufficient_funds' | 'idempotency_key_reused' };

type WalletRow = { id: string; owner_id: string; is_treasury: boolean; balance: string };
type HeaderRow = { id: string; created_at: Date };
type StoredRow = HeaderRow & {
  type: Movement['type'];
  from_owner_id: string;
  to_owner_id: string;
  asset_slug: string;
  amount: string;
  reference: string | null;
  metadata: Record<string, string> | null;
};

const UNIQUE_VIOLATION = '23505';

export async function post(pool: Pool, movement: Movement): Promise<Posted | Refusal> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    const outcome = await move(client, movement);
    await client.query('refused' in outcome ? 'rollback' : 'commit');
    return outcome;
  } catch (error) {
    await client.query('rollback');
    if (isUniqueViolation(error)) {
      // The same key was committed between our look and our insert: answer what it answered.
      const stored = await findStored(client, movement);
      if (stored) return stored;
    }
    throw error;
  } finally {
    client.release();
  }
}

async function move(client: PoolClient, movement: Movement): Promise<Posted | Refusal> {
  const stored = await findStored(client, movement);
  if (stored) return stored;

  const wallets = await lockWallets(client, movement);
  const from = wallets.find((wallet) => wallet.owner_id === movement.fromOwnerId);
  const to = wallets.find((wallet) => wallet.owner_id === movement.toOwnerId);
  if (!from || !to) return { refused: 'wallet_not_found' };

  const amount = BigInt(movement.amount);
  const fromAfter = BigInt(from.balance) - amount;
  const toAfter = BigInt(to.balance) + amount;
  if (fromAfter < 0n && !from.is_treasury) return { refused: 'insufficient_funds' };

  const header = await insertHeader(client, movement);
  const entries = [
    { walletId: from.id, amount: String(-amount), balanceAfter: String(fromAfter) },
    { walletId: to.id, amount: String(amount), balanceAfter: String(toAfter) },
  ] as const;
  await client.query({
    name: 'insert-entries',
    text: `
      insert into entries (transaction_id, wallet_id, amount, balance_after)
      values ($1, $2, $3, $4), ($1, $5, $6, $7)`,
    values: [header.id, ...entries.flatMap((entry) => [entry.walletId, entry.amount, entry.balanceAfter])],
  });
  for (const entry of entries) {
    await client.query({
      name: 'update-balance',
      text: 'update wallets set balance = $2 where id = $1',
      values: [entry.walletId, entry.balanceAfter],
    });
  }
  return postedBody(movement, header, [...entries]);
}

async function lockWallets(client: PoolClient, movement: Movement): Promise<WalletRow[]> {
  const { rows } = await client.query<WalletRow>({
    name: 'lock-wallets',
    text: `
      select id, owner_id, is_treasury, balance
      from wallets
      where asset_slug = $1 and owner_id = any($2::uuid[])
      order by id
      for update`,
    values: [movement.assetSlug, [movement.fromOwnerId, movement.toOwnerId]],
  });
  return rows;
}

async function insertHeader(client: PoolClient, movement: Movement): Promise<HeaderRow> {
  const { rows } = await client.query<HeaderRow>({
    name: 'insert-header',
    text: `
      insert into transactions
        (idempotency_key, type, asset_slug, from_owner_id, to_owner_id, amount, reference, metadata)
      values ($1, $2, $3, $4, $5, $6, $7, $8)
      returning id, created_at`,
    values: [
      movement.idempotencyKey,
      movement.type,
      movement.assetSlug,
      movement.fromOwnerId,
      movement.toOwnerId,
      movement.amount,
      movement.reference,
      movement.metadata === null ? null : JSON.stringify(movement.metadata),
    ],
  });
  const [header] = rows;
  if (!header) throw new Error('insert into transactions returned no row');
  return header;
}

async function findStored(client: PoolClient, movement: Movement): Promise<Posted | Refusal | undefined> {
  const { rows } = await client.query<StoredRow>({
    name: 'find-key',
    text: `
      select id, created_at, type, from_owner_id, to_owner_id, asset_slug, amount, reference, metadata
      from transactions
      where idempotency_key = $1`,
    values: [movement.idempotencyKey],
  });
  const [stored] = rows;
  if (!stored) return undefined;
  const same =
    stored.type === movement.type &&
    stored.from_owner_id === movement.fromOwnerId &&
    stored.to_owner_id === movement.toOwnerId &&
    stored.asset_slug === movement.assetSlug &&
    stored.amount === movement.amount;
  if (!same) return { refused: 'idempotency_key_reused' };
  const entries = await client.query<{ walletId: string; amount: string; balanceAfter: string }>({
    name: 'find-entries',
    text: `
      select wallet_id as "walletId", amount, balance_after as "balanceAfter"
      from entries
      where transaction_id = $1
      order by id`,
    values: [stored.id],
  });
  return postedBody(movement, stored, entries.rows);
}

function postedBody(movement: Movement, header: HeaderRow, entries: Posted['entries']): Posted {
  return {
    transactionId: header.id,
    type: movement.type,
    status: 'posted',
    asset: movement.assetSlug,
    amount: movement.amount,
    entries,
    recordedAt: header.created_at.toISOString(),
    reference: movement.reference,
    metadata: movement.metadata,
  };
}

function isUniqueViolation(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === UNIQUE_VIOLATION;
}
