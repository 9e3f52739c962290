/** Ends what is due. Two sweeps at once are no harm: each is decided under its lock, once. */
import type { Logger } from 'pino';
import { startRecurring, type Recurring } from '../recurring.ts';
import { MAX_DUE, type Due } from './due.ts';

const LOOK_MS = 1_000;

export type SweepDeps = {
  /** Not more than one sweep takes. */
  readonly due: () => Promise<readonly Due[]>;
  readonly expire: (due: Due) => Promise<void>;
  /** Asks for a job that runs a sweep, here or in another process. */
  readonly wake: () => Promise<void>;
  readonly log: Logger;
};

export function startSweep({ due, expire, wake, log }: SweepDeps): Recurring {
  async function work(signal: AbortSignal): Promise<void> {
    for (let more = true; more && !signal.aborted;) {
      const items = await due();
      more = items.length >= MAX_DUE;
      const outcomes = await Promise.allSettled(items.map((item) => expire(item)));
      const failed = outcomes.find((outcome) => outcome.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
    }
  }

  const isDue = async (): Promise<boolean> => (await due()).length > 0;
  return startRecurring({ name: 'the sweep of what is due', everyMs: LOOK_MS, isDue, work, wake, log });
}
