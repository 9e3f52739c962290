/** A small cast to tell stories with: three users, two assets, their wallets, and what happened to them. */
import {
  currentVersion,
  type EventData,
  type EventType,
  type Fact,
  type NewEvent,
} from '../../src/events/catalog.ts';
import { evolve } from '../../src/events/evolve.ts';
import { emptyState, type LedgerState } from '../../src/events/state.ts';

export const NOON = '2026-01-01T12:00:00.000Z';

/** The n-th of a family of readable UUIDs. */
export function uuid(family: string, n: number): string {
  return `01998a6e-7c00-7000-8000-${family.padStart(8, '0')}${n.toString(16).padStart(4, '0')}`;
}

export type User = { readonly id: string; readonly email: string };
export const alice: User = { id: uuid('a', 1), email: 'alice@example.com' };
export const bob: User = { id: uuid('a', 2), email: 'bob@example.com' };
export const carol: User = { id: uuid('a', 3), email: 'carol@example.com' };

export type Asset = {
  readonly id: string;
  readonly slug: string;
  readonly treasuryId: string;
  readonly supplyCap: string | null;
};
export const gold: Asset = { id: uuid('b', 1), slug: 'gold', treasuryId: uuid('c', 1), supplyCap: null };
export const ore: Asset = { id: uuid('b', 2), slug: 'ore', treasuryId: uuid('c', 2), supplyCap: '1000' };

/** A fact at a time, with the personal values that its own batch knows. */
export type Happening = Fact & { readonly occurredAt: string; readonly personal?: NewEvent['personal'] };
type Only<Type extends EventType> = Extract<Happening, { type: Type }>;

export function fact<Type extends EventType>(type: Type, data: EventData<Type>): Only<Type> {
  return { type, version: currentVersion[type], data, occurredAt: NOON } as unknown as Only<Type>;
}

export function registered(user: User): Happening {
  const personal = { subjectId: user.id, field: 'email', value: user.email, salt: new Uint8Array(16) };
  return { ...fact('user.registered', { userId: user.id, email: 'e'.repeat(64) }), personal: [personal] };
}

export function banned(user: User, status: 'BANNED' | 'ACTIVE' = 'BANNED'): Happening {
  return fact('user.status_changed', { userId: user.id, status, reason: null, createdAt: NOON });
}

export function erased(user: User): Happening {
  return fact('user.erased', { userId: user.id, createdAt: NOON, reason: null });
}

export function treasuryOpened(asset: Asset): Only<'wallet.opened'> {
  const floor = asset.supplyCap === null ? null : (-BigInt(asset.supplyCap)).toString();
  const owner = { system: 'treasury' };
  return fact('wallet.opened', {
    walletId: asset.treasuryId,
    owner,
    assetId: asset.id,
    asset: asset.slug,
    floor,
  });
}

export function created(asset: Asset): Only<'asset.created'> {
  const { id, slug, supplyCap } = asset;
  return fact('asset.created', { assetId: id, slug, name: slug, scale: '0', supplyCap });
}

/** An asset with its treasury, as one command makes them. */
export function issued(asset: Asset): Happening[] {
  return [treasuryOpened(asset), created(asset)];
}

export function frozenAsset(asset: Asset, status: 'FROZEN' | 'ACTIVE' = 'FROZEN'): Happening {
  const { id, slug, supplyCap } = asset;
  return fact('asset.status_changed', {
    assetId: id,
    slug,
    name: slug,
    scale: '0',
    supplyCap,
    status,
    reason: null,
  });
}

/** The wallet of a user in an asset. */
export function walletIdOf(user: User, asset: Asset): string {
  return uuid(`d${asset.id.slice(-1)}`, Number.parseInt(user.id.slice(-1), 16));
}

export function opened(user: User, asset: Asset): Only<'wallet.opened'> {
  const owner = { userId: user.id };
  const walletId = walletIdOf(user, asset);
  return fact('wallet.opened', { walletId, owner, assetId: asset.id, asset: asset.slug, floor: '0' });
}

export function frozenWallet(
  wallet: { id: string; owner: EventData<'wallet.opened'>['owner']; asset: Asset },
  status: 'FROZEN' | 'ACTIVE' = 'FROZEN',
): Only<'wallet.status_changed'> {
  const { slug } = wallet.asset;
  return fact('wallet.status_changed', {
    walletId: wallet.id,
    owner: wallet.owner,
    asset: { slug, name: slug, scale: '0', status: 'ACTIVE' },
    balance: '0',
    held: '0',
    status,
    reason: null,
  });
}

type Side = { readonly walletId: string; readonly balanceAfter: string };

export function posted(asset: Asset, amount: string, from: Side, to: Side): Only<'transaction.posted'> {
  return fact('transaction.posted', {
    type: 'topup',
    asset: asset.slug,
    userId: null,
    amount,
    reference: null,
    metadata: null,
    postings: [{ asset: asset.slug, amount, from, to }],
  });
}

/** The first credit of a user: the wallet is opened and has the amount, which is all that is in circulation. */
export function funded(user: User, asset: Asset, amount: string): Happening[] {
  const treasury = { walletId: asset.treasuryId, balanceAfter: `-${amount}` };
  const wallet = { walletId: walletIdOf(user, asset), balanceAfter: amount };
  return [opened(user, asset), posted(asset, amount, treasury, wallet)];
}

export function stateAfter(events: readonly Happening[]): LedgerState {
  return events.reduce(evolve, emptyState());
}
