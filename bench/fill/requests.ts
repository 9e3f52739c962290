// What is asked of a made-up ledger: requests as a client would send them over HTTP, so that the fingerprints in the
// log are those that a retry of the same request would have. Those that move money are in money-requests.ts.

import type { Command } from '../../src/commands/schemas.ts';
import type { LedgerState } from '../../src/events/state.ts';
import type { Random } from './random.ts';

/** A command, and the parameters of the path and the body that it came as. */
export type Asked = {
  readonly command: Command;
  readonly params: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
};

/** What requests are made up from; it grows with what they lead to. */
export type World = {
  readonly random: Random;
  readonly state: LedgerState;
  readonly userIds: string[];
  /** References are numbered. */
  orders: number;
  /** Of 100 requests so many are top-ups and spends of the first user's wallet in the asset most used. */
  readonly busyPercent: number;
};

export type AssetKind = { slug: string; name: string; scale: number; supplyCap?: string; unit: bigint };

/** From the one most used to the one least used. `unit` is what prices of the asset are multiples of. */
export const ASSETS: readonly AssetKind[] = [
  { slug: 'gold_coins', name: 'Gold coins', scale: 2, unit: 1n },
  { slug: 'gems', name: 'Gems', scale: 0, supplyCap: '900000000000', unit: 1n },
  { slug: 'credits', name: 'Credits', scale: 4, unit: 100n },
  { slug: 'ether', name: 'Ether', scale: 18, unit: 1_000_000_000_000_000n },
];

export function createAsset({ slug, name, scale, supplyCap }: AssetKind): Asked {
  const body = { slug, name, scale, ...(supplyCap === undefined ? {} : { supplyCap }) };
  return { command: { kind: 'asset.create', ...body }, params: {}, body };
}

export function registerUser({ userIds }: World): Asked {
  const body = { email: `user-${userIds.length + 1}@example.com` };
  return { command: { kind: 'user.register', ...body }, params: {}, body };
}

export function setUserStatus(userId: string, status: 'BANNED' | 'ACTIVE'): Asked {
  const body = { status, ...(status === 'BANNED' ? { reason: 'chargeback under review' } : {}) };
  return { command: { kind: 'user.status', userId, ...body }, params: { userId }, body };
}

export function setWalletStatus(walletId: string, status: 'FROZEN' | 'ACTIVE'): Asked {
  const body = { status, ...(status === 'FROZEN' ? { reason: 'reported stolen' } : {}) };
  return { command: { kind: 'wallet.status', walletId, ...body }, params: { id: walletId }, body };
}

export function setAssetStatus(slug: string, status: 'FROZEN' | 'ACTIVE'): Asked {
  return { command: { kind: 'asset.status', slug, status }, params: { slug }, body: { status } };
}

/** Few users do much, many do little. */
export function anyUser({ random, userIds }: World): string {
  const share = random.below(1_000_000) / 1_000_000;
  return userIds[Math.floor(userIds.length * share * share)]!;
}

/** Each asset is used a third as often as the one before. */
export function anyAsset({ random }: World): AssetKind {
  let index = 0;
  while (index < ASSETS.length - 1 && random.chance(1 / 3)) index += 1;
  return ASSETS[index]!;
}
