import { setTimeout as sleep } from 'node:timers/promises';

// Every wait in this folder is bounded, and can be cut short when the process is told to stop while
// the server is still starting (crash recovery may take longer than a shutdown is allowed to).

export type Deadline = {
  /** Milliseconds left, never negative. */
  remainingMs(): number;
  /** Throws when the time is up, or with the signal's reason when it was aborted. */
  check(waitingFor: string): void;
};

/** A point in time `limitMs` from now, after which waiting is given up. */
export function createDeadline(limitMs: number, signal?: AbortSignal): Deadline {
  const endMs = performance.now() + limitMs;
  const remainingMs = () => Math.max(0, endMs - performance.now());
  return {
    remainingMs,
    check(waitingFor) {
      signal?.throwIfAborted();
      if (remainingMs() === 0) throw new Error(`gave up after ${limitMs} ms: ${waitingFor}`);
    },
  };
}

/**
 * Asks `probe` every `everyMs` until it answers with something other than undefined.
 * Throws when the deadline has passed; `waitingFor` completes the sentence "gave up: ...".
 */
export async function waitFor<T>(
  deadline: Deadline,
  waitingFor: string,
  probe: () => Promise<T | undefined> | T | undefined,
  everyMs = 20,
): Promise<T> {
  for (;;) {
    const answer = await probe();
    if (answer !== undefined) return answer;
    deadline.check(waitingFor);
    await sleep(Math.min(everyMs, deadline.remainingMs() + 1));
  }
}
