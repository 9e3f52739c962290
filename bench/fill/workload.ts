// Which request comes next: a realistic mix, in which holds are captured, released or expire, transactions are taken
// back, and now and then somebody is barred for a while.

import type { NewEvent } from '../../src/events/catalog.ts';
import { walletOf, type LedgerState } from '../../src/events/state.ts';
import { createHoldBook, type HoldBook } from './hold-book.ts';
import * as money from './money-requests.ts';
import * as ask from './requests.ts';
import type { Asked, World } from './requests.ts';

const MAX_USERS = 100_000;
const EVENTS_PER_USER = 50;
/** Transactions of late that may be taken back. */
const REMEMBERED = 512;
/** Events after which somebody who was barred is let in again. */
const BARRED_FOR = 400;

export type Workload = {
  /** The request that comes next at this time, with so many events written already. */
  next(written: number, now: string): Asked;
  /** A request whose decision is one event, whatever the state, and that leaves no more holds to expire than before. */
  single(): Asked;
  /** Holds that are open and expire. At the end of the log there must be none: the service would have swept them. */
  expiringCount(): number;
  /** Told of every event once the state has it. */
  note(event: NewEvent): void;
};

type Parts = {
  readonly world: World;
  readonly holds: HoldBook;
  readonly anyOriginal: () => string | undefined;
};

/** Of 1,000 requests so many, each; where there is no hold or transaction to ask for, it is a top-up instead. */
const MIX: readonly (readonly [number, (parts: Parts) => Asked | undefined])[] = [
  [290, ({ world }) => money.topUp(world)],
  [280, ({ world }) => money.spend(world)],
  [130, ({ world }) => money.transfer(world)],
  [60, ({ world }) => money.bonus(world)],
  [40, ({ world }) => money.sale(world)],
  [30, ({ world }) => money.overspend(world)],
  [75, ({ world }) => money.hold(world)],
  [45, ({ world, holds }) => askOf(holds.any(), (holdId) => money.capture(world, holdId))],
  [20, ({ holds }) => askOf(holds.any(), money.release)],
  [30, ({ world, anyOriginal }) => askOf(anyOriginal(), (id) => money.reversal(world, id))],
];

export function createWorkload(world: World, events: number): Workload {
  const { state, userIds } = world;
  const users = Math.min(MAX_USERS, Math.max(2, Math.floor(events / EVENTS_PER_USER)));
  const assets = [...ask.ASSETS];
  const holds = createHoldBook(world);
  const originals = rememberOriginals(state);
  const parts = { world, holds, anyOriginal: () => originals.any(world.random.below(REMEMBERED)) };
  const barred: { readonly until: number; readonly letIn: Asked }[] = [];

  /** A tenth of the users is there from the beginning. */
  const usersAt = (written: number) => Math.ceil(users * (0.1 + (0.9 * written) / events));

  return {
    next(written, now) {
      const asset = assets.shift();
      if (asset !== undefined) return ask.createAsset(asset);
      const due = holds.due(now);
      if (due !== undefined) return { command: { kind: 'hold.expire', holdId: due }, params: {}, body: {} };
      if (userIds.length < usersAt(written)) return ask.registerUser(world);
      if (barred[0] !== undefined && barred[0].until <= written) return barred.shift()!.letIn;
      if (written + 2 * BARRED_FOR < events && world.random.chance(0.001)) {
        const [bar, letIn] = barring(world);
        barred.push({ until: written + BARRED_FOR, letIn });
        return bar;
      }
      return fromMix(parts) ?? money.topUp(world);
    },
    single() {
      const holdId = holds.nextExpiring();
      return holdId === undefined ? ask.registerUser(world) : money.release(holdId);
    },
    expiringCount: holds.expiringCount,
    note(event) {
      if (event.type === 'user.registered') userIds.push(event.data.userId);
      if ('hold' in event.data) holds.note(event.data.hold);
      originals.note(event);
    },
  };
}

function fromMix(parts: Parts): Asked | undefined {
  const { world } = parts;
  // Nothing is drawn without it, so that a seed gives the log it always gave.
  if (world.busyPercent > 0 && world.random.below(100) < world.busyPercent) {
    const [userId, [asset]] = [world.userIds[0]!, ask.ASSETS];
    return world.random.chance(0.5) ? money.topUp(world, userId, asset) : money.spend(world, userId, asset);
  }
  let left = world.random.below(1_000);
  for (const [share, make] of MIX) {
    if (left < share) return make(parts);
    left -= share;
  }
  return undefined;
}

function askOf(id: string | undefined, make: (id: string) => Asked): Asked | undefined {
  return id === undefined ? undefined : make(id);
}

/** Bars a user or a wallet, seldom a whole asset, and says how that is ended. */
function barring(world: World): [bar: Asked, letIn: Asked] {
  const [userId, { slug }] = [ask.anyUser(world), ask.anyAsset(world)];
  if (world.random.chance(0.03))
    return [ask.setAssetStatus(slug, 'FROZEN'), ask.setAssetStatus(slug, 'ACTIVE')];
  const wallet = walletOf(world.state, { userId }, slug);
  return wallet !== undefined && world.random.chance(0.5)
    ? [ask.setWalletStatus(wallet.id, 'FROZEN'), ask.setWalletStatus(wallet.id, 'ACTIVE')]
    : [ask.setUserStatus(userId, 'BANNED'), ask.setUserStatus(userId, 'ACTIVE')];
}

/** Keeps in the state what may be taken back, and no more of it than that: there evolve notes what was. */
function rememberOriginals(state: LedgerState) {
  const ids: string[] = [];
  let count = 0;
  return {
    any: (place: number): string | undefined => ids[place],
    note(event: NewEvent): void {
      if (event.type !== 'transaction.posted' && event.type !== 'hold.captured') return;
      if ('reverses' in event.data) return;
      const { type, asset, userId, postings } = event.data;
      const place = count % REMEMBERED;
      state.originals.delete(ids[place] ?? '');
      ids[place] = event.id;
      count += 1;
      const reversed = { reversed: 0n, wholly: false, lotId: null };
      state.originals.set(event.id, { transactionId: event.id, type, asset, userId, postings, ...reversed });
    },
  };
}
