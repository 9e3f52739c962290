/** The rows that heads are held against: how each table is read. */
import type { Hold } from '../../events/catalog.ts';
import {
  limitsText,
  walletLimitsText,
  type SpendLimits,
  type WalletLimits,
} from '../../events/spend-limits.ts';
import {
  floorOf,
  type AssetHead,
  type HoldHead,
  type LotHead,
  type UserHead,
  type WalletHead,
} from '../fold/heads.ts';
import type { Activity } from '../fold/range-summary.ts';
import { readScheduled, schedules } from './spooled-schedules.ts';
import { spell, table, time, type Spelling, type SpooledTable } from './spooled-table.ts';

/** As `spell` would, at half the cost: there are more wallets than all else. */
function spellWallet({ owner, isSystem, assetId }: WalletHead): string {
  return `owner ${owner}, system ${isSystem}, asset ${assetId}`;
}

const wallets = table<WalletHead>({
  name: 'wallets',
  projection: null,
  ofWallets: true,
  key: 'w.id',
  columns: {
    ...{ owner: 'w.owner', system: 'w.is_system', asset: 'w.asset_id', balance: 'w.balance' },
    ...{ held: 'w.held', floor: 'w.floor', seq: 'w.seq', status: 'w.status' },
  },
  rows: (ledgerId) => `from wallets w where w.ledger_id = ${ledgerId}`,
  heads: (heads) => heads.wallets,
  spell: (head) =>
    `${spellWallet(head)}, balance ${head.balance}, held ${head.held}, floor ${floorOf(head)}, seq ${head.seq}, status ${head.status}`,
});

/** What they have of overdrafts, limits and counters, as it is stored. */
const walletLimits = table<WalletLimits>({
  name: 'wallets.limits',
  projection: null,
  sinceAnyStart: false,
  ofWallets: true,
  key: 'w.id',
  columns: { limits: 'w.limits' },
  rows: (ledgerId) => `from wallets w where w.ledger_id = ${ledgerId} and w.limits is not null`,
  heads: (heads) => heads.walletLimits,
  spell: (limits) => spell({ limits: walletLimitsText(limits) }),
});

const walletBalances = table<WalletHead>({
  name: 'read.wallet_balances',
  projection: 'wallet_balances',
  ofWallets: true,
  key: 'b.wallet_id',
  columns: {
    ...{ owner: 'b.owner', system: 'b.is_system', asset: 'b.asset_id', balance: 'b.balance' },
    ...{ held: 'b.held', position: 'b.position' },
  },
  rows: (ledgerId) => `from read.wallet_balances b where b.ledger_id = ${ledgerId}`,
  heads: (heads) => heads.wallets,
  spell: (head) =>
    `${spellWallet(head)}, balance ${head.balance}, held ${head.held}, position ${head.movedPosition}`,
});

const readWallets = table<WalletHead>({
  name: 'read.wallets',
  projection: 'directory',
  ofWallets: true,
  key: 'w.id',
  columns: {
    ...{ owner: 'w.owner', system: 'w.is_system', asset: 'w.asset_id', status: 'w.status' },
    position: 'w.position',
  },
  rows: (ledgerId) => `from read.wallets w where w.ledger_id = ${ledgerId}`,
  heads: (heads) => heads.wallets,
  spell: (head) => `${spellWallet(head)}, status ${head.status}, position ${head.openedPosition}`,
});

const USER_COLUMNS = { status: 'u.status', created: time('u.created_at') };

const users = table<UserHead>({
  name: 'users',
  projection: null,
  key: 'u.id',
  columns: USER_COLUMNS,
  rows: (ledgerId) => `from users u where u.ledger_id = ${ledgerId}`,
  heads: (heads) => heads.users,
  spell: (head) => spell({ status: head.status, created: head.createdAt }),
});

const readUsers = table<UserHead>({
  name: 'read.users',
  projection: 'directory',
  sinceAnyStart: false,
  key: 'u.id',
  columns: { ...USER_COLUMNS, position: 'u.position' },
  rows: (ledgerId) => `from read.users u where u.ledger_id = ${ledgerId}`,
  heads: (heads) => heads.users,
  spell: (head) => spell({ status: head.status, created: head.createdAt, position: head.position }),
});

const ASSET_COLUMNS = {
  ...{ id: 'a.id', name: 'a.name', scale: 'a.scale', cap: 'a.supply_cap', status: 'a.status' },
};

function spellAsset({ id, name, scale, supplyCap: cap, status }: AssetHead): string {
  return spell({ id, name, scale, cap, status });
}

const assets = table<AssetHead>({
  name: 'assets',
  projection: null,
  key: 'a.slug',
  columns: ASSET_COLUMNS,
  rows: (ledgerId) => `from assets a where a.ledger_id = ${ledgerId}`,
  heads: (heads) => heads.assets,
  spell: spellAsset,
});

const assetLimits = table<SpendLimits>({
  name: 'assets.limits',
  projection: null,
  sinceAnyStart: false,
  key: 'a.slug',
  columns: { limits: 'a.limits' },
  rows: (ledgerId) => `from assets a where a.ledger_id = ${ledgerId} and a.limits is not null`,
  heads: (heads) => heads.assetLimits,
  spell: (limits) => spell({ limits: limitsText(limits) }),
});

const readAssets = table<AssetHead>({
  name: 'read.assets',
  projection: 'directory',
  sinceAnyStart: false,
  key: 'a.slug',
  columns: { ...ASSET_COLUMNS, position: 'a.position' },
  rows: (ledgerId) => `from read.assets a where a.ledger_id = ${ledgerId}`,
  heads: (heads) => heads.assets,
  spell: (head) => `${spellAsset(head)}, position ${head.position}`,
});

export const HOLD_COLUMNS: Spelling = {
  ...{ wallet: 'h.wallet_id', amount: 'h.amount', captured: 'h.captured', remaining: 'h.remaining' },
  ...{ status: 'h.status', expires: time('h.expires_at') },
};

export function spellHold({ walletId: wallet, expiresAt: expires, ...hold }: Hold): string {
  const { amount, captured, remaining, status } = hold;
  return spell({ wallet, amount, captured, remaining, status, expires });
}

/** What the read model has of a hold beside that, but for its position. */
export const READ_HOLD_COLUMNS: Spelling = {
  ...HOLD_COLUMNS,
  ...{ user: 'h.user_id', asset: 'h.asset', reference: 'h.reference' },
};

export function spellReadHold(hold: Hold): string {
  const { userId: user, asset, reference } = hold;
  return `${spellHold(hold)}, ${spell({ user, asset, reference })}`;
}

const holds = table<HoldHead>({
  name: 'holds',
  projection: null,
  key: 'h.id',
  columns: HOLD_COLUMNS,
  rows: (ledgerId) => `from holds h where h.ledger_id = ${ledgerId} and h.status = 'open'`,
  heads: (heads) => heads.holds,
  spell: ({ hold }) => spellHold(hold),
});

const readHolds = table<HoldHead>({
  name: 'read.holds',
  projection: 'holds',
  sinceAnyStart: false,
  key: 'h.id',
  columns: { ...READ_HOLD_COLUMNS, position: 'h.position' },
  rows: (ledgerId) => `from read.holds h where h.ledger_id = ${ledgerId} and h.status = 'open'`,
  heads: (heads) => heads.holds,
  spell: ({ hold, position }) => `${spellReadHold(hold)}, position ${position}`,
});

const LOT_COLUMNS: Spelling = {
  ...{ wallet: 'l.wallet_id', amount: 'l.amount', remaining: 'l.remaining', reserved: 'l.reserved' },
  expires: time('l.expires_at'),
};

function spellLot({ walletId: wallet, amount, remaining, reserved, expiresAt: expires }: LotHead): string {
  return spell({ wallet, amount, remaining, reserved, expires });
}

const lots = table<LotHead>({
  name: 'lots',
  projection: null,
  sinceAnyStart: false,
  key: 'l.id',
  columns: LOT_COLUMNS,
  rows: (ledgerId) => `from lots l where l.ledger_id = ${ledgerId}`,
  heads: (heads) => heads.lots,
  spell: spellLot,
});

const readLots = table<LotHead>({
  name: 'read.lots',
  projection: 'lots',
  sinceAnyStart: false,
  key: 'l.id',
  columns: { ...LOT_COLUMNS, expired: 'l.expired', position: 'l.position' },
  rows: (ledgerId) => `from read.lots l where l.ledger_id = ${ledgerId}`,
  heads: (heads) => heads.lots,
  spell: (head) => `${spellLot(head)}, ${spell({ expired: head.expired, position: head.position })}`,
});

/** When the next lot of each wallet ends, of those that have something in lots. */
const dueWallets = table<string>({
  name: 'wallets.next_due_at',
  projection: null,
  sinceAnyStart: false,
  ofWallets: true,
  key: 'w.id',
  columns: { due: time('w.next_due_at') },
  rows: (ledgerId) => `from wallets w where w.ledger_id = ${ledgerId} and w.next_due_at is not null`,
  heads: (heads) => nextEnds(heads.lots.values()),
  spell: (due) => spell({ due }),
});

function nextEnds(of: Iterable<LotHead>): Map<string, string> {
  const ends = new Map<string, string>();
  for (const { walletId, remaining, expiresAt } of of) {
    const known = ends.get(walletId);
    if (remaining > 0n && (known === undefined || expiresAt < known)) ends.set(walletId, expiresAt);
  }
  return ends;
}

const activity = table<Activity>({
  name: 'read.asset_activity',
  projection: 'asset_activity',
  sinceAnyStart: false,
  // As activityKey has it.
  key: `coalesce(s.slug, a.asset_id::text) || ' ' || coalesce(replace(${time('a.hour')}, ':00:00.000Z', ''), 'no hour') || ' ' || a.type`,
  columns: { posted: 'a.posted', volume: 'a.volume', rejected: 'a.rejected' },
  rows: (ledgerId) => `
  from read.asset_activity a
  left join assets s
    on s.ledger_id = a.ledger_id
   and s.id = a.asset_id
 where a.ledger_id = ${ledgerId}`,
  heads: (heads) => heads.activity,
  spell: ({ posted, volume, rejected }) => spell({ posted, volume, rejected }),
});

/** Read in one snapshot. Transactions are not here: their rows never change, and are read along with the log. */
export const SPOOLED_TABLES: readonly SpooledTable[] = [
  ...[wallets, walletLimits, users, assets, assetLimits, holds, lots, dueWallets, schedules],
  ...[walletBalances, readWallets, readUsers, readAssets, readHolds, readLots, readScheduled, activity],
];
