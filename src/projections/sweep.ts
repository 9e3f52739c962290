/** Ends what is due. Two sweeps at once are no harm: each item is decided under its lock, once. */
import type { Logger } from 'pino';
import { OperationalError } from '../errors.ts';
import { startRecurring, type Recurring } from '../recurring.ts';
import { MAX_DUE, type Due, type DueLook } from './due.ts';

const LOOK_MS = 1_000;
/** What could not be ended is left alone for so long, so that it does not keep from the rest. */
const ASIDE_MS = 60_000;
const MAX_ASIDE = 2 * MAX_DUE;

export type SweepDeps = {
  /** What is due but for these ids, not more than one look takes. */
  readonly due: (except: readonly string[]) => Promise<DueLook>;
  readonly end: (item: Due) => Promise<void>;
  /** Asks for a job that runs a sweep, here or in another process. */
  readonly wake: () => Promise<void>;
  readonly log: Logger;
};

export function startSweep({ due, end, wake, log }: SweepDeps): Recurring {
  const aside = createAside(() => performance.now());

  async function work(signal: AbortSignal): Promise<void> {
    let first: PromiseRejectedResult | null = null;
    for (let more = true; more && !signal.aborted;) {
      const look = await due(aside.ids());
      more = look.more;
      for (const item of (await endAll(look.items)).keys()) {
        if (signal.aborted) return;
        // It may only have shared its batch with one that is at fault.
        const failure = (await endAll([item])).get(item);
        if (failure === undefined) continue;
        aside.put(item.id);
        first ??= failure;
      }
    }
    if (first !== null) throw first.reason;
  }

  /** Those that could not be ended. Rejects when that is no fault of theirs. */
  async function endAll(items: readonly Due[]): Promise<ReadonlyMap<Due, PromiseRejectedResult>> {
    const outcomes = await Promise.allSettled(items.map((item) => end(item)));
    const failed = new Map<Due, PromiseRejectedResult>();
    for (const [index, item] of items.entries()) {
      const outcome = outcomes[index];
      if (outcome?.status !== 'rejected') continue;
      if (isPassing(outcome.reason)) throw outcome.reason;
      failed.set(item, outcome);
    }
    return failed;
  }

  const isDue = async (): Promise<boolean> => (await due(aside.ids())).items.length > 0;
  return startRecurring({ name: 'the sweep of what is due', everyMs: LOOK_MS, isDue, work, wake, log });
}

/** A database that is away, or a full queue: it concerns whatever is due, and passes. */
function isPassing(error: unknown): boolean {
  return error instanceof OperationalError;
}

function createAside(now: () => number) {
  const until = new Map<string, number>();
  return {
    ids(): string[] {
      for (const [id, end] of until) if (end <= now()) until.delete(id);
      return [...until.keys()];
    },
    put(id: string): void {
      const [oldest] = until.keys();
      if (until.size >= MAX_ASIDE && oldest !== undefined) until.delete(oldest);
      until.delete(id);
      until.set(id, now() + ASIDE_MS);
    },
  };
}
