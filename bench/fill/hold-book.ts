// The holds of a made-up ledger: which are open, and which of them come due. A closed one is forgotten by the state after
// a while, so that memory does not grow with the log; until then it can be asked for in vain.

import type { Hold } from '../../src/events/catalog.ts';
import type { World } from './requests.ts';

const CLOSED_KNOWN = 64;

export type HoldBook = {
  /** Told of every hold as an event left it. */
  note(hold: Hold): void;
  /** Mostly an open one; undefined where there is none. */
  any(): string | undefined;
  /** One whose time has come. */
  due(now: string): string | undefined;
  /** Of the holds that expire, the one that comes due next. */
  nextExpiring(): string | undefined;
  expiringCount(): number;
};

export function createHoldBook({ random, state }: World): HoldBook {
  const open: string[] = [];
  const places = new Map<string, number>();
  /** In the order in which they come due: a Map keeps that of insertion, and all holds that expire live equally long. */
  const expiring = new Map<string, string>();
  const closed: string[] = [];

  function close(holdId: string): void {
    const place = places.get(holdId);
    if (place === undefined) throw new Error(`hold ${holdId} was closed twice`);
    places.delete(holdId);
    expiring.delete(holdId);
    const last = open.pop()!;
    if (last !== holdId) {
      open[place] = last;
      places.set(last, place);
    }
    closed.push(holdId);
    if (closed.length > CLOSED_KNOWN) state.holds.delete(closed.shift()!);
  }

  return {
    note({ holdId, status, expiresAt }) {
      if (status !== 'open') return close(holdId);
      if (places.has(holdId)) return;
      places.set(holdId, open.push(holdId) - 1);
      if (expiresAt !== null) expiring.set(holdId, expiresAt);
    },
    any() {
      const among = random.chance(0.02) && closed.length > 0 ? closed : open;
      return among[random.below(among.length)];
    },
    due(now) {
      const [first] = expiring;
      return first !== undefined && first[1] <= now ? first[0] : undefined;
    },
    nextExpiring: () => expiring.keys().next().value,
    expiringCount: () => expiring.size,
  };
}
