/**
 * The queue of one ledger. There is no delay to collect a batch: while one commits, the next one gathers; at
 * low load a batch is one command. Everything is bounded: how many wait, how many run together, how long.
 */
import { OperationalError } from '../errors.ts';
import type { BatchRunner } from './batch.ts';
import type { Answer, Request, Submission } from './submission.ts';

export type CommandQueue = {
  /** Rejects with OperationalError (overloaded, shutting_down, database_unavailable, outcome_unknown) or a bug. */
  submit(request: Request): Promise<Answer>;
  /** How many commands wait, those of the running batch not counted. */
  depth(): number;
  /** Takes nothing new, finishes what was taken. */
  close(): Promise<void>;
};

export type CommandQueueOptions = {
  readonly runBatch: BatchRunner;
  readonly maxQueued: number;
  readonly maxBatch: number;
  /** A command that has waited this long without being started is refused; nothing of it was done. */
  readonly maxWaitMs: number;
};

type Waiting = { readonly submission: Submission; readonly since: number };

export function createCommandQueue(options: CommandQueueOptions): CommandQueue {
  const { runBatch, maxQueued, maxBatch, maxWaitMs } = options;
  let waiting: Waiting[] = [];
  let closed = false;
  let running: Promise<void> | null = null;

  async function run(): Promise<void> {
    // One turn of the event loop, so that requests that arrived together start together.
    await new Promise((resolve) => setImmediate(resolve));
    while (waiting.length > 0) {
      const batch = waiting.slice(0, maxBatch);
      waiting = waiting.slice(batch.length);
      await runBatch(batch.map(({ submission }) => submission));
    }
    running = null;
  }

  function refuseStale(): void {
    const oldest = performance.now() - maxWaitMs;
    const stale = waiting.findIndex(({ since }) => since > oldest);
    const count = stale === -1 ? waiting.length : stale;
    for (const { submission } of waiting.splice(0, count)) submission.fail(overloaded());
  }

  const sweep = setInterval(refuseStale, Math.min(500, maxWaitMs));
  sweep.unref();

  function submit(request: Request): Promise<Answer> {
    if (closed) {
      return Promise.reject(
        new OperationalError('shutting_down', 'The service is shutting down.', { retryAfterSeconds: 1 }),
      );
    }
    if (waiting.length >= maxQueued) return Promise.reject(overloaded());
    return new Promise((settle, fail) => {
      const submission = { request, attemptedEventIds: new Set<string>(), settle, fail };
      waiting.push({ submission, since: performance.now() });
      running ??= run();
    });
  }

  async function close(): Promise<void> {
    closed = true;
    await running;
    clearInterval(sweep);
  }

  return { submit, depth: () => waiting.length, close };
}

function overloaded(): OperationalError {
  return new OperationalError(
    'overloaded',
    'Too many commands are waiting. Nothing was done with this one.',
    { retryAfterSeconds: 1 },
  );
}
