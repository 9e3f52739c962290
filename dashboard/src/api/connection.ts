/** What is known of the service right now: every answer, and every one that did not come, is noted here. */
import { createStore } from '../lib/store.ts';

export type Connection = {
  /** Why the service is away; null while it answers. */
  readonly away: string | null;
  /** When it last answered, as Date.now() has it. */
  readonly answeredAt: number | null;
  /** The newest position that an answer held at. */
  readonly position: string;
  /** The service wants to know who asks. */
  readonly wantsKey: boolean;
  /** The last key that was entered counts for nothing. */
  readonly refusedKey: boolean;
};

export const connection = createStore<Connection>({
  away: null,
  answeredAt: null,
  position: '0',
  wantsKey: false,
  refusedKey: false,
});

export function noteAnswer(position: string | null): void {
  const known = connection.get().position;
  const newer = position !== null && BigInt(position) > BigInt(known);
  connection.set({ away: null, answeredAt: Date.now(), ...(newer ? { position } : {}) });
}

export function notePresence(): void {
  connection.set({ away: null });
}

export function noteAway(reason: string): void {
  connection.set({ away: reason });
}
