/**
 * What a batch may know without reading it under a lock. Wallet ids, slugs and creation times never change;
 * statuses and caps may be kept because every change of one raises the ledger's policy version, and a
 * batch that decided with an older version is refused by its append. Only what exists is kept: absence is
 * asked for anew each time.
 */
import { LRUCache } from 'lru-cache';
import { limitsOfText } from '../events/spend-limits.ts';
import { walletKey, type AssetState, type UserState } from '../events/state.ts';
import type { Transaction } from '../db/transaction.ts';
import { ownerKey, type EventData, type Owner } from '../events/catalog.ts';

/** Each many times what a batch can name. */
const MAX_USERS = 100_000;
const MAX_WALLETS = 100_000;
const MAX_ASSETS = 10_000;

const LIMITS = { maxUsers: MAX_USERS, maxWallets: MAX_WALLETS, maxAssets: MAX_ASSETS };

/** What the commands of a batch name. */
export type Needs = {
  readonly users: ReadonlySet<string>;
  readonly assets: ReadonlySet<string>;
  /** By walletKey. */
  readonly wallets: ReadonlyMap<string, { readonly owner: Owner; readonly asset: string }>;
  readonly walletIds: ReadonlySet<string>;
};

export type DirectoryCache = {
  /** Looks up what is missing; under the lock of the head row, whether what it has still holds as well. */
  ensure(tx: Transaction, needs: Needs, options?: { readonly headIsLocked: boolean }): Promise<void>;
  policyVersion(): bigint;
  user(id: string): UserState | undefined;
  asset(slug: string): AssetState | undefined;
  assetSlug(assetId: string): string | undefined;
  walletId(key: string): string | undefined;
  /** One that a committed batch opened. */
  rememberWallet(opened: EventData<'wallet.opened'>): void;
  /** Forgets statuses and caps: the policy version moved on. */
  expire(): void;
};

export function createDirectoryCache(ledgerId: number, limits = LIMITS): DirectoryCache {
  const users = new LRUCache<string, UserState>({ max: limits.maxUsers });
  const assets = new LRUCache<string, AssetState>({ max: limits.maxAssets });
  const walletIds = new LRUCache<string, string>({ max: limits.maxWallets });
  const slugs = new LRUCache<string, string>({ max: limits.maxAssets });
  let version = 0n;

  function expire(): void {
    users.clear();
    assets.clear();
    version = 0n;
  }

  /** What is there counts as used now: what is fetched for the rest must not take its place, or it would seem not to exist. */
  function missingFrom(needs: Needs): Needs {
    return {
      users: new Set([...needs.users].filter((id) => users.get(id) === undefined)),
      assets: new Set([...needs.assets].filter((slug) => assets.get(slug) === undefined)),
      wallets: new Map([...needs.wallets].filter(([key]) => walletIds.get(key) === undefined)),
      // A wallet named by its id brings the asset whose status its answer shows.
      walletIds: needs.walletIds,
    };
  }

  function rememberAsset(asset: AssetState): void {
    assets.set(asset.slug, asset);
    slugs.set(asset.id, asset.slug);
  }

  async function fetch(tx: Transaction, missing: Needs): Promise<void> {
    const [foundUsers, foundAssets, foundWallets] = await Promise.all([
      readUsers(tx, ledgerId, [...missing.users]),
      readAssets(tx, ledgerId, { slugs: [...missing.assets], walletIds: [...missing.walletIds] }),
      readWalletIds(tx, ledgerId, [...missing.wallets.values()]),
    ]);
    for (const user of foundUsers) users.set(user.id, user);
    for (const asset of foundAssets) rememberAsset(asset);
    for (const { key, id } of foundWallets) walletIds.set(key, id);
  }

  async function ensure(
    tx: Transaction,
    needs: Needs,
    { headIsLocked } = { headIsLocked: false },
  ): Promise<void> {
    if (!headIsLocked && version !== 0n && isEmpty(missingFrom(needs))) return;
    // The version is read before what it stands for: a change in between makes the append refuse the batch.
    const current = await readPolicyVersion(tx, ledgerId);
    if (current !== version) {
      expire();
      version = current;
    }
    await fetch(tx, missingFrom(needs));
  }

  return {
    ensure,
    policyVersion: () => version,
    user: (id) => users.get(id),
    asset: (slug) => assets.get(slug),
    assetSlug: (assetId) => slugs.get(assetId),
    walletId: (key) => walletIds.get(key),
    rememberWallet: ({ owner, asset, walletId }) => void walletIds.set(walletKey(owner, asset), walletId),
    expire,
  };
}

function isEmpty(needs: Needs): boolean {
  return needs.users.size + needs.assets.size + needs.wallets.size + needs.walletIds.size === 0;
}

async function readPolicyVersion(tx: Transaction, ledgerId: number): Promise<bigint> {
  const { rows } = await tx.query<{ policy_version: bigint }>({
    name: 'policy-version',
    text: 'select policy_version from ledgers where id = $1::integer',
    values: [ledgerId],
  });
  const row = rows[0];
  if (row === undefined) throw new Error(`ledger ${ledgerId} does not exist`);
  return row.policy_version;
}

async function readUsers(tx: Transaction, ledgerId: number, ids: string[]): Promise<UserState[]> {
  if (ids.length === 0) return [];
  const { rows } = await tx.query<{ id: string; status: UserState['status']; created_at: string }>({
    name: 'users-by-id',
    text: `
select id, status, created_at
  from users
 where ledger_id = $1::integer
   and id = any ($2::uuid[])`,
    values: [ledgerId, ids],
  });
  return rows.map((row) => ({ id: row.id, status: row.status, createdAt: row.created_at }));
}

type AssetRow = {
  id: string;
  slug: string;
  name: string;
  scale: number;
  supply_cap: bigint | null;
  status: AssetState['status'];
  limits: string | null;
};

async function readAssets(
  tx: Transaction,
  ledgerId: number,
  wanted: { slugs: string[]; walletIds: string[] },
): Promise<AssetState[]> {
  if (wanted.slugs.length + wanted.walletIds.length === 0) return [];
  const { rows } = await tx.query<AssetRow>({
    name: 'assets-by-slug-or-wallet',
    text: `
select id, slug, name, scale, supply_cap, status, limits::text
  from assets
 where ledger_id = $1::integer
   and slug = any ($2::text[])
 union all
select a.id, a.slug, a.name, a.scale, a.supply_cap, a.status, a.limits::text
  from wallets w
  join assets a
    on a.ledger_id = w.ledger_id
   and a.id = w.asset_id
 where w.ledger_id = $1::integer
   and w.id = any ($3::uuid[])`,
    values: [ledgerId, wanted.slugs, wanted.walletIds],
  });
  return rows.map(({ id, slug, name, scale, supply_cap: supplyCap, status, limits }) => {
    const parsed = limits === null ? null : limitsOfText(limits);
    return { id, slug, name, scale: scale.toString(), supplyCap, status, limits: parsed };
  });
}

async function readWalletIds(
  tx: Transaction,
  ledgerId: number,
  wanted: { owner: Owner; asset: string }[],
): Promise<{ key: string; id: string }[]> {
  if (wanted.length === 0) return [];
  const { rows } = await tx.query<{ ordinal: bigint; id: string | null }>({
    name: 'wallet-ids',
    text: `
select wanted.ordinal, w.id
  from unnest($2::text[], $3::text[]) with ordinality as wanted (owner, slug, ordinal)
  left join assets a
    on a.ledger_id = $1::integer
   and a.slug = wanted.slug
  left join wallets w
    on w.ledger_id = $1::integer
   and w.owner = wanted.owner
   and w.asset_id = a.id`,
    values: [ledgerId, wanted.map(({ owner }) => ownerKey(owner)), wanted.map(({ asset }) => asset)],
  });
  return rows.flatMap((row) => {
    const found = wanted[Number(row.ordinal) - 1];
    return found === undefined || row.id === null
      ? []
      : [{ key: walletKey(found.owner, found.asset), id: row.id }];
  });
}
