/**
 * Keeps the log sealed: a checkpoint a second at most, and only when there is something new. Two sealings at once are no harm: one
 * has the lock, the other does nothing.
 */
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { startRecurring, type Recurring } from '../../recurring.ts';
import { readSealedState } from './checkpoint-log.ts';
import { LogContradictionError } from './contradiction.ts';
import { isKeyTrouble } from './incarnations.ts';
import { forgetRefusal, noteRefusal } from './refusals.ts';
import { seal, type Sealing } from './seal.ts';
import { createThinning } from './thin-checkpoints.ts';

const LOOK_MS = 1_000;

export type SealerDeps = Sealing & {
  readonly pool: Pool;
  /** Asks for a job that calls `run`, here or in another process. */
  readonly wake: () => Promise<void>;
  readonly onRefused: () => void;
  readonly log: Logger;
};

export function startSealer(deps: SealerDeps): Recurring {
  const { pool, ledgerId, wake, onRefused, log } = deps;
  /** What stands in the way of sealing, said once and not every second. */
  let complaint: string | null = null;
  const { thin } = createThinning(ledgerId);
  /** Whether what an earlier process may have noted is gone. */
  let forgotten = false;

  async function sealAll(signal: AbortSignal): Promise<void> {
    try {
      for (let more = true; more && !signal.aborted;) {
        const sealed = await seal(pool, deps);
        if (sealed !== null && !forgotten) {
          await forgetRefusal(pool, ledgerId);
          forgotten = true;
        }
        more = sealed?.more ?? false;
      }
      await thin(pool);
      if (complaint !== null && !signal.aborted) log.info('sealing goes on');
      complaint = null;
    } catch (error) {
      const contradicted = error instanceof LogContradictionError;
      if (!contradicted && !isKeyTrouble(error)) throw error;
      onRefused();
      if (error.message === complaint) return;
      complaint = error.message;
      if (contradicted) {
        log.error({ reason: complaint }, 'the log is not sealed: it contradicts what was sealed');
        forgotten = false;
        await noteRefusal(pool, ledgerId, complaint);
      } else log.warn({ reason: complaint }, 'the log is not sealed by this process');
    }
  }

  async function isDue(): Promise<boolean> {
    const { head, sealed } = await readSealedState(pool, ledgerId);
    return head !== sealed;
  }

  return startRecurring({
    name: 'the sealing of the log',
    everyMs: LOOK_MS,
    isDue,
    work: sealAll,
    wake,
    log,
  });
}
