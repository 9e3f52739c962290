/**
 * Tells the worker that there is something to project. Sending a job costs a few milliseconds, so nudges are
 * coalesced: at most one in flight and one per interval. A nudge that fails is dropped, since the worker
 * looks by itself every second.
 */
import type { Logger } from 'pino';
import { endsWithin } from '../time-limit.ts';

export type Nudger = {
  nudge(): void;
  /** Waits for the nudge in flight. */
  close(): Promise<void>;
};

/** A nudge on a connection to a silent server is not waited for: the worker looks by itself. */
const GIVE_UP_MS = 2_000;

export function createNudger(options: {
  wake: () => Promise<void>;
  minIntervalMs: number;
  log: Logger;
}): Nudger {
  const { wake, minIntervalMs, log } = options;
  let timer: NodeJS.Timeout | null = null;
  let inFlight: Promise<void> | null = null;
  let again = false;
  let closed = false;
  let lastSent = Number.NEGATIVE_INFINITY;

  function send(): void {
    timer = null;
    lastSent = performance.now();
    inFlight = endsWithin(wake(), GIVE_UP_MS)
      .then((sent) => {
        if (!sent) log.warn('a nudge of the projections took too long');
      })
      .catch((error: unknown) => log.warn({ err: error }, 'a nudge of the projections failed'))
      .finally(() => {
        inFlight = null;
        if (again) nudge();
      });
  }

  function nudge(): void {
    if (closed || timer !== null) return;
    if (inFlight !== null) {
      again = true;
      return;
    }
    again = false;
    const waitMs = Math.max(0, lastSent + minIntervalMs - performance.now());
    timer = setTimeout(send, waitMs);
  }

  return {
    nudge,
    async close() {
      closed = true;
      if (timer !== null) clearTimeout(timer);
      await inFlight;
    },
  };
}
