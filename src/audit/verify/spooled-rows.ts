/** The rows that heads are held against: how each table is read. */
import type { Hold } from '../../events/catalog.ts';
import {
  limitsText,
  walletLimitsText,
  type SpendLimits,
  type WalletLimits,
} from '../../events/spend-limits.ts';
import { activityKey } from '../fold/activity-totals.ts';
import {
  floorOf,
  type AssetHead,
  type HoldHead,
  type LotHead,
  type UserHead,
  type WalletHead,
} from '../fold/heads.ts';
import type { Activity } from '../fold/range-summary.ts';
import type { ColumnReader } from '../tree/decode-leaf.ts';
import { readScheduled, schedules } from './spooled-schedules.ts';
import { ISO, byId, spell, table, type Spelled, type SpooledTable } from './spooled-table.ts';

const wallets = table<WalletHead>({
  name: 'wallets',
  projection: null,
  query: (ledgerId) => `
select w.id, w.owner, w.is_system::text, w.asset_id::text, w.balance::text, w.held::text, w.floor::text, w.seq::text, w.status
  from wallets w
 where w.ledger_id = ${ledgerId}`,
  row: (row) => byId(row, true, ['owner', 'system', 'asset', 'balance', 'held', 'floor', 'seq', 'status']),
  heads: (heads) => heads.wallets,
  spell: (head) =>
    spell({
      owner: head.owner,
      system: head.isSystem,
      asset: head.assetId,
      balance: head.balance,
      held: head.held,
      floor: floorOf(head),
      seq: head.seq,
      status: head.status,
    }),
});

/** What they have of overdrafts, limits and counters, as it is stored. */
const walletLimits = table<WalletLimits>({
  name: 'wallets.limits',
  projection: null,
  sinceAnyStart: false,
  query: (ledgerId) => `
select w.id, w.limits::text
  from wallets w
 where w.ledger_id = ${ledgerId}
   and w.limits is not null`,
  row: (row) => byId(row, true, ['limits']),
  heads: (heads) => heads.walletLimits,
  spell: (limits) => spell({ limits: walletLimitsText(limits) }),
});

const walletBalances = table<WalletHead>({
  name: 'read.wallet_balances',
  projection: 'wallet_balances',
  query: (ledgerId) => `
select b.wallet_id, b.owner, b.is_system::text, b.asset_id::text, b.balance::text, b.held::text, b.position::text
  from read.wallet_balances b
 where b.ledger_id = ${ledgerId}`,
  row: (row) => byId(row, true, ['owner', 'system', 'asset', 'balance', 'held', 'position']),
  heads: (heads) => heads.wallets,
  spell: (head) =>
    spell({
      owner: head.owner,
      system: head.isSystem,
      asset: head.assetId,
      balance: head.balance,
      held: head.held,
      position: head.movedPosition,
    }),
});

const readWallets = table<WalletHead>({
  name: 'read.wallets',
  projection: 'directory',
  query: (ledgerId) => `
select w.id, w.owner, w.is_system::text, w.asset_id::text, w.status, w.position::text
  from read.wallets w
 where w.ledger_id = ${ledgerId}`,
  row: (row) => byId(row, true, ['owner', 'system', 'asset', 'status', 'position']),
  heads: (heads) => heads.wallets,
  spell: (head) =>
    spell({
      owner: head.owner,
      system: head.isSystem,
      asset: head.assetId,
      status: head.status,
      position: head.openedPosition,
    }),
});

const users = table<UserHead>({
  name: 'users',
  projection: null,
  query: (ledgerId) =>
    `select u.id, u.status, to_char(u.created_at, ${ISO}) from users u where u.ledger_id = ${ledgerId}`,
  row: (row) => byId(row, false, ['status', 'created']),
  heads: (heads) => heads.users,
  spell: (head) => spell({ status: head.status, created: head.createdAt }),
});

const readUsers = table<UserHead>({
  name: 'read.users',
  projection: 'directory',
  sinceAnyStart: false,
  query: (ledgerId) => `
select u.id, u.status, to_char(u.created_at, ${ISO}), u.position::text
  from read.users u
 where u.ledger_id = ${ledgerId}`,
  row: (row) => byId(row, false, ['status', 'created', 'position']),
  heads: (heads) => heads.users,
  spell: (head) => spell({ status: head.status, created: head.createdAt, position: head.position }),
});

function assetRow(row: ColumnReader, withPosition: boolean): Spelled {
  const key = row.text();
  const names = ['id', 'name', 'scale', 'cap', 'status', ...(withPosition ? ['position'] : [])];
  return {
    key,
    walletId: null,
    text: names.map((name) => `${name} ${row.textOrNull() ?? 'null'}`).join(', '),
  };
}

function spellAsset({ id, name, scale, supplyCap: cap, status }: AssetHead): string {
  return spell({ id, name, scale, cap, status });
}

const assets = table<AssetHead>({
  name: 'assets',
  projection: null,
  query: (ledgerId) => `
select a.slug, a.id::text, a.name, a.scale::text, a.supply_cap::text, a.status
  from assets a
 where a.ledger_id = ${ledgerId}`,
  row: (row) => assetRow(row, false),
  heads: (heads) => heads.assets,
  spell: spellAsset,
});

const assetLimits = table<SpendLimits>({
  name: 'assets.limits',
  projection: null,
  sinceAnyStart: false,
  query: (ledgerId) => `
select a.slug, a.limits::text
  from assets a
 where a.ledger_id = ${ledgerId}
   and a.limits is not null`,
  row: (row) => ({ key: row.text(), walletId: null, text: `limits ${row.text()}` }),
  heads: (heads) => heads.assetLimits,
  spell: (limits) => spell({ limits: limitsText(limits) }),
});

const readAssets = table<AssetHead>({
  name: 'read.assets',
  projection: 'directory',
  sinceAnyStart: false,
  query: (ledgerId) => `
select a.slug, a.id::text, a.name, a.scale::text, a.supply_cap::text, a.status, a.position::text
  from read.assets a
 where a.ledger_id = ${ledgerId}`,
  row: (row) => assetRow(row, true),
  heads: (heads) => heads.assets,
  spell: (head) => `${spellAsset(head)}, position ${head.position}`,
});

export const HOLD_COLUMNS = `h.wallet_id::text, h.amount::text, h.captured::text, h.remaining::text, h.status, to_char(h.expires_at, ${ISO})`;
const HOLD_NAMES = ['wallet', 'amount', 'captured', 'remaining', 'status', 'expires'];

export function spellHold({ walletId: wallet, expiresAt: expires, ...hold }: Hold): string {
  const { amount, captured, remaining, status } = hold;
  return spell({ wallet, amount, captured, remaining, status, expires });
}

/** What the read model has of a hold beside that, but for its position. */
export const READ_HOLD_COLUMNS = `${HOLD_COLUMNS}, h.user_id::text, h.asset, h.reference`;
const READ_HOLD_NAMES = [...HOLD_NAMES, 'user', 'asset', 'reference'];

export function spellReadHold(hold: Hold): string {
  const { userId: user, asset, reference } = hold;
  return `${spellHold(hold)}, ${spell({ user, asset, reference })}`;
}

/** As spellHold and spellReadHold do. */
export function spellHoldRow(columns: readonly (string | null)[]): string {
  return columns.map((column, index) => `${READ_HOLD_NAMES[index]} ${column ?? 'null'}`).join(', ');
}

const holds = table<HoldHead>({
  name: 'holds',
  projection: null,
  query: (ledgerId) =>
    `select h.id, ${HOLD_COLUMNS} from holds h where h.ledger_id = ${ledgerId} and h.status = 'open'`,
  row: (row) => byId(row, false, HOLD_NAMES),
  heads: (heads) => heads.holds,
  spell: ({ hold }) => spellHold(hold),
});

const readHolds = table<HoldHead>({
  name: 'read.holds',
  projection: 'holds',
  sinceAnyStart: false,
  query: (ledgerId) => `
select h.id, ${READ_HOLD_COLUMNS}, h.position::text
  from read.holds h
 where h.ledger_id = ${ledgerId}
   and h.status = 'open'`,
  row: (row) => byId(row, false, [...READ_HOLD_NAMES, 'position']),
  heads: (heads) => heads.holds,
  spell: ({ hold, position }) => `${spellReadHold(hold)}, position ${position}`,
});

const LOT_COLUMNS = `l.wallet_id::text, l.amount::text, l.remaining::text, l.reserved::text, to_char(l.expires_at, ${ISO})`;
const LOT_NAMES = ['wallet', 'amount', 'remaining', 'reserved', 'expires'];

function spellLot({ walletId: wallet, amount, remaining, reserved, expiresAt: expires }: LotHead): string {
  return spell({ wallet, amount, remaining, reserved, expires });
}

const lots = table<LotHead>({
  name: 'lots',
  projection: null,
  sinceAnyStart: false,
  query: (ledgerId) => `select l.id, ${LOT_COLUMNS} from lots l where l.ledger_id = ${ledgerId}`,
  row: (row) => byId(row, false, LOT_NAMES),
  heads: (heads) => heads.lots,
  spell: spellLot,
});

const readLots = table<LotHead>({
  name: 'read.lots',
  projection: 'lots',
  sinceAnyStart: false,
  query: (ledgerId) => `
select l.id, ${LOT_COLUMNS}, l.expired::text, l.position::text
  from read.lots l
 where l.ledger_id = ${ledgerId}`,
  row: (row) => byId(row, false, [...LOT_NAMES, 'expired', 'position']),
  heads: (heads) => heads.lots,
  spell: (head) => `${spellLot(head)}, ${spell({ expired: head.expired, position: head.position })}`,
});

/** When the next lot of each wallet ends, of those that have something in lots. */
const dueWallets = table<string>({
  name: 'wallets.next_due_at',
  projection: null,
  sinceAnyStart: false,
  query: (ledgerId) => `
select w.id, to_char(w.next_due_at, ${ISO})
  from wallets w
 where w.ledger_id = ${ledgerId}
   and w.next_due_at is not null`,
  row: (row) => byId(row, true, ['due']),
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
  query: (ledgerId) => `
select coalesce(s.slug, a.asset_id::text), coalesce(to_char(a.hour, ${ISO}), 'no hour'), a.type, a.posted::text, a.volume::text, a.rejected::text
  from read.asset_activity a
  left join assets s
    on s.ledger_id = a.ledger_id
   and s.id = a.asset_id
 where a.ledger_id = ${ledgerId}`,
  row: (row) => {
    const [asset, hour, type] = [row.text(), row.text().replace(/:00:00\.000Z$/, ''), row.text()];
    return {
      key: activityKey({ asset, hour, type }),
      walletId: null,
      text: `posted ${row.text()}, volume ${row.text()}, rejected ${row.text()}`,
    };
  },
  heads: (heads) => heads.activity,
  spell: ({ posted, volume, rejected }) => spell({ posted, volume, rejected }),
});

/** Read in one snapshot. Transactions are not here: their rows never change, and are read along with the log. */
export const SPOOLED_TABLES: readonly SpooledTable[] = [
  ...[wallets, walletLimits, users, assets, assetLimits, holds, lots, dueWallets, schedules],
  ...[walletBalances, readWallets, readUsers, readAssets, readHolds, readLots, readScheduled, activity],
];
