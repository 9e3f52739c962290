/**
 * The end of the log, for those who follow it. However many they are, one look a tick finds out whether there is something
 * new and reads it once; without followers there is none. A commit of this process wakes it at once, one of another process
 * is seen at the next look: a NOTIFY would cost every commit the lock that all notifications share.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { classifyFailure } from '../db/failures.ts';
import { feedEvent, readFeed } from './feed.ts';
import { headPosition } from './head.ts';
import type { EventRow } from './read.ts';

/** Events that are kept for followers who are not far behind; who is farther reads by itself. */
const RECENT = 1_000;
/** Events of a page: what a follower holds at once. */
const PAGE = 200;
/** Under load a look takes what gathered since the last one. */
const MIN_PAUSE_MS = 40;
/** How old what another process wrote gets at most before it is seen. */
const LOOK_MS = 200;
/** A database that does not answer is asked again after this long. */
const RETRY_MS = 1_000;

export type TailEvent = { readonly position: bigint; readonly type: string; readonly json: string };

/** `events` may be empty: a while has passed, or nothing up to `seen` is of the type asked for. */
export type TailPage = { readonly events: readonly TailEvent[]; readonly seen: bigint };

export type Followed = {
  readonly after: bigint;
  readonly type: string | undefined;
  /** An empty page comes after this long without an event. */
  readonly idleMs: number;
  readonly signal: AbortSignal;
};

export type Tail = {
  /**
   * All events after a position, in order, each once, until the signal says so or the tail is closed. Waits out a database that
   * is away; rejects with any other error.
   */
  follow(followed: Followed): AsyncGenerator<TailPage>;
  /** Something was committed. */
  wake(): void;
  /** Nobody follows. */
  isIdle(): boolean;
  close(): Promise<void>;
};

export function createTail(pool: Pool, ledgerId: number, log: Logger): Tail {
  const closing = new AbortController();
  let followers = 0;
  let looking: Promise<void> | null = null;
  /** Everything up to here was read; null: nothing yet. */
  let known: bigint | null = null;
  /** The events up to `known`, as many as are kept. */
  let recent: TailEvent[] = [];
  /** What wakes those who wait for more. */
  const waiting = new Set<() => void>();
  let woken = Promise.withResolvers<void>();

  async function look(): Promise<void> {
    const head = await headPosition(pool, ledgerId);
    if (known === null) advanceTo(head);
    for (let after = known ?? head; after < head;) {
      const wanted = { after, upTo: head, limit: PAGE, type: undefined, walletId: undefined };
      const { rows, seen } = await readFeed(pool, ledgerId, wanted);
      recent = [...recent, ...rows.map(eventOf)].slice(-RECENT);
      advanceTo(seen);
      after = seen;
    }
  }

  function advanceTo(position: bigint): void {
    known = position;
    for (const tell of waiting) tell();
  }

  async function keepLooking(): Promise<void> {
    let failed = false;
    while (followers > 0 && !closing.signal.aborted) {
      woken = Promise.withResolvers();
      try {
        await look();
        failed = false;
      } catch (error) {
        if (!failed) log.warn({ err: error }, 'the end of the log cannot be read');
        failed = true;
      }
      await pause(failed ? RETRY_MS : MIN_PAUSE_MS, closing.signal);
      if (!failed) await Promise.race([woken.promise, pause(LOOK_MS - MIN_PAUSE_MS, closing.signal)]);
    }
    looking = null;
    known = null;
    recent = [];
  }

  /** Of what is kept; null where that begins later. */
  function recentAfter(after: bigint): readonly TailEvent[] | null {
    const [first] = recent;
    if (first === undefined || after + 1n < first.position) return null;
    const start = recent.findLastIndex(({ position }) => position <= after) + 1;
    return recent.slice(start, start + PAGE);
  }

  async function pageAfter(after: bigint, type: string | undefined): Promise<TailPage> {
    const kept = recentAfter(after);
    if (kept !== null) {
      const events = type === undefined ? kept : kept.filter((event) => event.type === type);
      return { events, seen: kept.at(-1)?.position ?? after };
    }
    const wanted = { after, upTo: known ?? after, limit: PAGE, type, walletId: undefined };
    const { rows, seen } = await readFeed(pool, ledgerId, wanted);
    return { events: rows.map(eventOf), seen };
  }

  async function* pages({ after, type, idleMs, signal }: Followed): AsyncGenerator<TailPage> {
    let seen = after;
    let told = performance.now();
    while (!signal.aborted) {
      const left = idleMs - (performance.now() - told);
      const isBehind = known !== null && seen < known;
      if (isBehind) {
        const page = await pageAfter(seen, type).catch(unlessAway);
        if (page === null) await pause(RETRY_MS, signal);
        seen = page?.seen ?? seen;
        if (page !== null && page.events.length > 0) {
          yield page;
          told = performance.now();
          continue;
        }
      } else if (left > 0) await advance(left, signal);
      if (left > 0) continue;
      yield { events: [], seen };
      told = performance.now();
    }
  }

  /** Resolves when there is more, after `ms`, or when the signal says so. */
  async function advance(ms: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    const tell = (): void => resolve();
    waiting.add(tell);
    signal.addEventListener('abort', tell);
    await promise;
    signal.removeEventListener('abort', tell);
    waiting.delete(tell);
    clearTimeout(timer);
  }

  return {
    async *follow(followed) {
      const signal = AbortSignal.any([followed.signal, closing.signal]);
      followers += 1;
      looking ??= keepLooking();
      try {
        yield* pages({ ...followed, signal });
      } finally {
        followers -= 1;
      }
    },
    wake: () => woken.resolve(),
    isIdle: () => followers === 0,
    async close() {
      closing.abort();
      await looking;
    },
  };
}

function eventOf(row: EventRow): TailEvent {
  return { position: row.position, type: row.type, json: JSON.stringify(feedEvent(row)) };
}

function unlessAway(error: unknown): null {
  if (classifyFailure(error) === 'unavailable') return null;
  throw error;
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}
