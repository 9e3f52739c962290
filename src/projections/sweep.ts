/**
 * Ends what is due. Every second this looks whether anything is, and if so asks for a sweep by a job; a job that does not
 * come in time is not waited for. Two sweeps at once are no harm: each hold is decided under its lock, once.
 */
import type { Logger } from 'pino';
import { MAX_DUE } from './due.ts';

const LOOK_MS = 1_000;

export type Sweep = {
  /** What the job does. */
  run(): Promise<void>;
  /** Waits for the sweep under way. */
  close(): Promise<void>;
};

export type SweepDeps = {
  /** Ids of what is due, not more than one sweep takes. */
  readonly due: () => Promise<readonly string[]>;
  readonly expire: (id: string) => Promise<void>;
  /** Asks for a job that calls `run`, here or in another process. */
  readonly wake: () => Promise<void>;
  readonly log: Logger;
};

export function startSweep(deps: SweepDeps): Sweep {
  const { due, expire, wake, log } = deps;
  let running: Promise<void> | null = null;
  let looking: Promise<void> | null = null;
  /** By the last look. */
  let asked = false;
  let closed = false;

  async function sweep(): Promise<void> {
    for (let more = true; more && !closed;) {
      const ids = await due();
      more = ids.length >= MAX_DUE;
      const outcomes = await Promise.allSettled(ids.map((id) => expire(id)));
      const failed = outcomes.find((outcome) => outcome.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
    }
  }

  function run(): Promise<void> {
    asked = false;
    running ??= sweep().finally(() => {
      running = null;
    });
    return running;
  }

  async function look(): Promise<void> {
    if ((await due()).length === 0) return;
    if (asked) return run();
    asked = true;
    // Not waited for: a queue that does not answer must not hold up the next look.
    void wake().catch((error: unknown) => log.warn({ err: error }, 'a sweep could not be asked for'));
  }

  const timer = setInterval(() => {
    looking ??= look()
      .catch((error: unknown) => log.warn({ err: error }, 'what is due could not be ended'))
      .finally(() => {
        looking = null;
      });
  }, LOOK_MS);

  return {
    run,
    async close() {
      closed = true;
      clearInterval(timer);
      await Promise.allSettled([looking, running]);
    },
  };
}
