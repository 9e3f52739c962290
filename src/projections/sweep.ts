/** Ends what is due. Two sweeps at once are no harm: each hold is decided under its lock, once. */
import type { Logger } from 'pino';
import { startRecurring, type Recurring } from '../recurring.ts';
import { MAX_DUE } from './due.ts';

const LOOK_MS = 1_000;

export type SweepDeps = {
  /** Ids of what is due, not more than one sweep takes. */
  readonly due: () => Promise<readonly string[]>;
  readonly expire: (id: string) => Promise<void>;
  /** Asks for a job that runs a sweep, here or in another process. */
  readonly wake: () => Promise<void>;
  readonly log: Logger;
};

export function startSweep({ due, expire, wake, log }: SweepDeps): Recurring {
  async function work(signal: AbortSignal): Promise<void> {
    for (let more = true; more && !signal.aborted;) {
      const ids = await due();
      more = ids.length >= MAX_DUE;
      const outcomes = await Promise.allSettled(ids.map((id) => expire(id)));
      const failed = outcomes.find((outcome) => outcome.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
    }
  }

  const isDue = async (): Promise<boolean> => (await due()).length > 0;
  return startRecurring({ name: 'the sweep of what is due', everyMs: LOOK_MS, isDue, work, wake, log });
}
