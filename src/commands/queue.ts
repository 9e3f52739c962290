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
  /** Takes nothing new, finishes what was taken, unless that is abandoned. */
  close(): Promise<void>;
  /** Answers everyone who still waits, without an outcome: for a shutdown that cannot wait any longer. */
  abandon(): void;
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
  /** The batch under way, and since when. */
  let current: { readonly submissions: readonly Submission[]; readonly since: number } | null = null;
  const abandoned = Promise.withResolvers<void>();

  async function run(): Promise<void> {
    // One turn of the event loop, so that requests that arrived together start together.
    await new Promise((resolve) => setImmediate(resolve));
    while (waiting.length > 0) {
      const batch = waiting.slice(0, maxBatch);
      waiting = waiting.slice(batch.length);
      const submissions = batch.map(({ submission }) => submission);
      current = { submissions, since: performance.now() };
      await runBatch(submissions);
    }
    current = null;
    running = null;
  }

  function refuseStale(): void {
    const oldest = performance.now() - maxWaitMs;
    const stale = waiting.findIndex(({ since }) => since > oldest);
    const count = stale === -1 ? waiting.length : stale;
    // Many who wait are a load; one batch that takes half of the patience is a database that does not answer.
    const stuck = current !== null && performance.now() - current.since > maxWaitMs / 2;
    for (const { submission } of waiting.splice(0, count))
      submission.fail(stuck ? unavailable() : overloaded());
  }

  const sweep = setInterval(refuseStale, Math.min(500, maxWaitMs));
  sweep.unref();

  function submit(request: Request): Promise<Answer> {
    if (closed) return Promise.reject(shuttingDown());
    if (waiting.length >= maxQueued) return Promise.reject(overloaded());
    return new Promise((settle, fail) => {
      const submission = { request, attemptedEventIds: new Set<string>(), settle, fail };
      waiting.push({ submission, since: performance.now() });
      running ??= run();
    });
  }

  async function close(): Promise<void> {
    closed = true;
    await Promise.race([running, abandoned.promise]);
    clearInterval(sweep);
  }

  function abandon(): void {
    closed = true;
    for (const { submission } of waiting.splice(0)) submission.fail(shuttingDown());
    for (const submission of current?.submissions ?? []) submission.fail(outcomeUnknown());
    abandoned.resolve();
  }

  return { submit, depth: () => waiting.length, close, abandon };
}

function shuttingDown(): OperationalError {
  return new OperationalError('shutting_down', 'The service is shutting down.', { retryAfterSeconds: 1 });
}

function outcomeUnknown(): OperationalError {
  const message =
    'The service had to stop before the outcome was known. Retry with the same Idempotency-Key to learn it.';
  return new OperationalError('outcome_unknown', message, { retryAfterSeconds: 1 });
}

function unavailable(): OperationalError {
  const message = 'The database does not answer right now. Nothing was done with this command.';
  return new OperationalError('database_unavailable', message, { retryAfterSeconds: 1 });
}

function overloaded(): OperationalError {
  return new OperationalError(
    'overloaded',
    'Too many commands are waiting. Nothing was done with this one.',
    { retryAfterSeconds: 1 },
  );
}
