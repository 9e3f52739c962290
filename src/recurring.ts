/**
 * Work that falls due again and again. At every interval somebody looks whether there is any, and if so asks for it by a job; a job that
 * does not come by the next look is not waited for, the work is done on the spot. Work that is asked for while it is under
 * way is not done twice at once in a process; that two processes do it must be no harm.
 */
import type { Logger } from 'pino';

export type Recurring = {
  /** What the job does. */
  run(): Promise<void>;
  /** Waits for what is under way. */
  close(): Promise<void>;
};

export type RecurringDeps = {
  /** For the log: what could not be done. */
  readonly name: string;
  readonly everyMs: number;
  readonly isDue: () => Promise<boolean>;
  /** Breaks off soon after the signal is aborted. */
  readonly work: (signal: AbortSignal) => Promise<void>;
  /** Asks for a job that calls `run`, here or in another process. */
  readonly wake: () => Promise<void>;
  readonly log: Logger;
};

export function startRecurring(deps: RecurringDeps): Recurring {
  const { name, everyMs, isDue, work, wake, log } = deps;
  let running: Promise<void> | null = null;
  let looking: Promise<void> | null = null;
  /** By the last look. */
  let asked = false;
  const closing = new AbortController();

  function run(): Promise<void> {
    asked = false;
    running ??= work(closing.signal)
      .catch((error: unknown) => {
        // The job that asked for it fails too, but few look into its queue.
        log.warn({ err: error }, `${name}: could not be done`);
        throw error;
      })
      .finally(() => {
        running = null;
      });
    return running;
  }

  async function look(): Promise<void> {
    if (!(await isDue())) return;
    if (asked) return run().catch(() => undefined);
    asked = true;
    // Not waited for: a queue that does not answer must not hold up the next look.
    void wake().catch((error: unknown) => log.warn({ err: error }, `${name}: a job could not be asked for`));
  }

  const timer = setInterval(() => {
    looking ??= look()
      .catch((error: unknown) => log.warn({ err: error }, `${name}: could not be done`))
      .finally(() => {
        looking = null;
      });
  }, everyMs);

  return {
    run,
    async close() {
      closing.abort();
      clearInterval(timer);
      await Promise.allSettled([looking, running]);
    },
  };
}
