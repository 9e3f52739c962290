// Requests that move money: mostly such that can be paid for, some that will be declined.

import { available, walletOf } from '../../src/events/state.ts';
import { moneyRoutes } from '../../src/http/money-commands.ts';
import { anyAsset, anyUser, type AssetKind, type Asked, type World } from './requests.ts';

/** Of holds that end by themselves. One for all, so that they come due in the order in which they were placed. */
export const HOLD_SECONDS = 30;

const TOP_UP_UNITS = 20_000;
const BONUS_UNITS = 200;
const PRICE_UNITS = 3_000;

export function topUp(world: World, userId = anyUser(world), asset = anyAsset(world)): Asked {
  const amount = units(world, TOP_UP_UNITS, asset).toString();
  const body = { userId, assetSlug: asset.slug, amount, ...extras(world) };
  return { command: moneyRoutes.topup.command({}, body), params: {}, body };
}

export function bonus(world: World): Asked {
  const [userId, asset] = [anyUser(world), anyAsset(world)];
  const amount = units(world, BONUS_UNITS, asset).toString();
  const body = { userId, assetSlug: asset.slug, amount, ...extras(world) };
  return { command: moneyRoutes.bonus.command({}, body), params: {}, body };
}

export function spend(world: World, userId = anyUser(world), asset = anyAsset(world)): Asked {
  const amount = affordable(world, userId, asset);
  if (amount === null) return topUp(world, userId, asset);
  const body = { userId, assetSlug: asset.slug, amount, ...extras(world) };
  return { command: moneyRoutes.spend.command({}, body), params: {}, body };
}

/** More than there is. */
export function overspend(world: World): Asked {
  const [userId, asset] = [anyUser(world), anyAsset(world)];
  const free = freeOf(world, userId, asset);
  const amount = ((free > 0n ? free : 0n) + units(world, PRICE_UNITS, asset)).toString();
  const body = { userId, assetSlug: asset.slug, amount, ...extras(world) };
  return { command: moneyRoutes.spend.command({}, body), params: {}, body };
}

export function transfer(world: World): Asked {
  const [fromUserId, toUserId, asset] = [anyUser(world), anyUser(world), anyAsset(world)];
  const amount = affordable(world, fromUserId, asset);
  if (amount === null || fromUserId === toUserId) return topUp(world, fromUserId, asset);
  const body = { fromUserId, toUserId, assetSlug: asset.slug, amount, ...extras(world) };
  return { command: moneyRoutes.transfer.command({}, body), params: {}, body };
}

/** The buyer pays the seller and the house's fee, and burns a little. */
export function sale(world: World): Asked {
  const [buyer, seller, asset] = [anyUser(world), anyUser(world), anyAsset(world)];
  const assetSlug = asset.slug;
  const price = BigInt(affordable(world, buyer, asset) ?? '0');
  if (price < 100n || buyer === seller) return topUp(world, buyer, asset);
  const [fee, burnt] = [price / 20n, price / 100n];
  const from = { userId: buyer };
  const postings = [
    { from, to: { userId: seller }, assetSlug, amount: (price - fee - burnt).toString() },
    { from, to: { system: 'fees' }, assetSlug, amount: fee.toString() },
    { from, to: { system: 'treasury' }, assetSlug, amount: burnt.toString() },
  ];
  const body = { postings, type: 'sale', reference: `sale-${nextOrder(world)}` };
  return { command: moneyRoutes.postings.command({}, body), params: {}, body };
}

export function hold(world: World): Asked {
  const [userId, asset] = [anyUser(world), anyAsset(world)];
  const amount = affordable(world, userId, asset);
  if (amount === null) return topUp(world, userId, asset);
  const expires = world.random.chance(0.5) ? { expiresInSeconds: HOLD_SECONDS } : {};
  const reference = `booking-${nextOrder(world)}`;
  const body = { userId, assetSlug: asset.slug, amount, ...expires, reference };
  return { command: moneyRoutes.hold.command({}, body), params: {}, body };
}

export function capture({ random, state }: World, holdId: string): Asked {
  const remaining = BigInt(state.holds.get(holdId)?.remaining ?? '0');
  const partly = remaining > 1n && random.chance(0.4);
  const body = partly ? { amount: (remaining / 2n).toString(), final: random.chance(0.5) } : {};
  return { command: moneyRoutes.capture.command({ id: holdId }, body), params: { id: holdId }, body };
}

export function release(holdId: string): Asked {
  const command = moneyRoutes.release.command({ id: holdId }, {});
  return { command, params: { id: holdId }, body: {} };
}

/** Wholly, or of one posting in part. */
export function reversal({ random, state }: World, id: string): Asked {
  const original = state.originals.get(id);
  const [first, ...more] = original?.postings ?? [];
  const left =
    first === undefined || more.length > 0 ? 0n : BigInt(first.amount) - (original?.reversed ?? 0n);
  const part = left > 1n && random.chance(0.4) ? { amount: (left / 2n).toString() } : {};
  const body = { ...part, reason: 'returned', ...(random.chance(0.2) ? { force: true } : {}) };
  return { command: moneyRoutes.reversal.command({ id }, body), params: { id }, body };
}

function units({ random }: World, most: number, { unit }: AssetKind): bigint {
  return BigInt(1 + random.below(most)) * unit;
}

function freeOf({ state }: World, userId: string, { slug }: AssetKind): bigint {
  const wallet = walletOf(state, { userId }, slug);
  return wallet === undefined ? 0n : available(wallet);
}

/** An amount the user can pay; null for one who has nothing. */
function affordable(world: World, userId: string, asset: AssetKind): string | null {
  const free = freeOf(world, userId, asset);
  if (free <= 0n) return null;
  const price = units(world, PRICE_UNITS, asset);
  return (price < free ? price : free).toString();
}

function nextOrder(world: World): number {
  world.orders += 1;
  return world.orders;
}

type Extras = { reference?: string; metadata?: Record<string, string>; personalMetadata?: string[] };

function extras(world: World): Extras {
  const { random } = world;
  const order = nextOrder(world);
  const reference = random.chance(0.3) ? { reference: `order-${order}` } : {};
  if (random.chance(0.02)) {
    const metadata = { order: `A-${order}`, recipient: `Customer "${order}"` };
    return { ...reference, metadata, personalMetadata: ['recipient'] };
  }
  return random.chance(0.15)
    ? { ...reference, metadata: { channel: 'web', order: `A-${order}` } }
    : reference;
}
