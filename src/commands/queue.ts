/**
 * The queue of one ledger. There is no delay to collect a batch: while one commits, the next one gathers; at
 * low load a batch is one command. Under load the next one leaves before the last is committed, so that the database
 * goes from one to the other without waiting for this process. Everything is bounded: how many wait, how many run
 * together, how long.
 */
import { OperationalError } from '../errors.ts';
import type { BatchRunner } from './batch.ts';
import type { Command } from './schemas.ts';
import type { Answer, Failed, Request, Settlement, Submission } from './submission.ts';

export type CommandQueue = {
  /** Rejects with OperationalError (overloaded, shutting_down, database_unavailable, outcome_unknown) or a bug. */
  submit(request: Request): Promise<Answer>;
  /** Several, each for itself and in their order: one answer or failure for each. */
  submitEach(requests: readonly Request[]): Promise<readonly (Answer | Failed)[]>;
  /** Several that are done together or not at all. */
  submitAtomic(requests: readonly Request[]): Promise<Settlement>;
  /** How many commands wait, those of the running batch not counted. */
  depth(): number;
  /** Nothing waits and nothing runs. */
  isIdle(): boolean;
  /** It takes nothing new. */
  isClosed(): boolean;
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

type UnderWay = {
  readonly submissions: readonly Submission[];
  readonly commands: number;
  readonly since: number;
  /** All of it was sent to the database, and it is first in line there. */
  departed: boolean;
  done: Promise<void>;
};

/** One in the database, one behind it. */
const MAX_UNDER_WAY = 2;
/** Fewer wait for the batch before them: each has a fixed cost, and together they cost it once. */
const MIN_BEHIND = 64;

export function createCommandQueue(options: CommandQueueOptions): CommandQueue {
  const { runBatch, maxQueued, maxBatch, maxWaitMs } = options;
  let waiting: Waiting[] = [];
  /** How many commands those are. */
  let queued = 0;
  let closed = false;
  let beginning = false;
  let underWay: UnderWay[] = [];
  const abandoned = Promise.withResolvers<void>();

  /** One turn of the event loop later, so that requests that arrived together start together. */
  function beginSoon(): void {
    if (beginning) return;
    beginning = true;
    setImmediate(() => {
      beginning = false;
      runWhatMay();
    });
  }

  function runWhatMay(): void {
    const last = underWay.at(-1);
    if (waiting.length === 0 || underWay.length === MAX_UNDER_WAY) return;
    if (last === undefined || (last.departed && queued >= Math.max(MIN_BEHIND, last.commands))) run();
  }

  function run(): void {
    const submissions = takeBatch();
    const batch: UnderWay = {
      ...{ submissions, commands: submissions.reduce((sum, { requests }) => sum + requests.length, 0) },
      ...{ since: performance.now(), departed: false, done: Promise.resolve() },
    };
    const before = underWay.at(-1)?.done ?? null;
    underWay.push(batch);
    const departed = (): void => {
      batch.departed = true;
      runWhatMay();
    };
    batch.done = runBatch(submissions, { before, departed }).then(() => {
      underWay = underWay.filter((other) => other !== batch);
      runWhatMay();
    });
  }

  /** As many as fit, in their order; a submission that is larger than a batch is one by itself. */
  function takeBatch(): Submission[] {
    let weight = 0;
    const end = waiting.findIndex(({ submission }) => {
      weight += weightOf(submission);
      return weight > maxBatch;
    });
    const taken = waiting.slice(0, end === -1 ? waiting.length : Math.max(1, end));
    waiting = waiting.slice(taken.length);
    queued -= commandsIn(taken);
    return taken.map(({ submission }) => submission);
  }

  function refuseStale(): void {
    const oldest = performance.now() - maxWaitMs;
    const stale = waiting.findIndex(({ since }) => since > oldest);
    const count = stale === -1 ? waiting.length : stale;
    // Many who wait are a load; one batch that takes half of the patience is a database that does not answer.
    const [current] = underWay;
    const stuck = current !== undefined && performance.now() - current.since > maxWaitMs / 2;
    const refused = waiting.splice(0, count);
    queued -= commandsIn(refused);
    for (const { submission } of refused) submission.fail(stuck ? unavailable() : overloaded());
  }

  const sweep = setInterval(refuseStale, Math.min(500, maxWaitMs));
  sweep.unref();

  /** Why so many may not be queued. An empty queue takes whatever one request brings. */
  function refusalOf(commands: number): OperationalError | null {
    if (closed) return shuttingDown();
    return queued > 0 && queued + commands > maxQueued ? overloaded() : null;
  }

  function enqueue(
    requests: readonly Request[],
    { atomic, since }: { atomic: boolean; since: number },
  ): Promise<Settlement> {
    return new Promise((settle, fail) => {
      const submission = { requests, atomic, attemptedEventIds: [], settle, fail };
      waiting.push({ submission, since });
      queued += requests.length;
      if (underWay.length === 0) beginSoon();
      else runWhatMay();
    });
  }

  async function submitWhole(requests: readonly Request[], atomic: boolean): Promise<Settlement> {
    const refusal = refusalOf(requests.length);
    if (refusal !== null) throw refusal;
    return enqueue(requests, { atomic, since: performance.now() });
  }

  async function submit(request: Request): Promise<Answer> {
    const settlement = await submitWhole([request], false);
    const answer = settlement.kind === 'answered' ? settlement.answers[0] : undefined;
    if (answer === undefined) throw new Error('one request was not settled by one answer');
    return answer;
  }

  /**
   * As few submissions as may be: each has its promise, its place in the queue, its settlement. All of them are queued or none,
   * and grow stale together: what comes later must not be done where what comes before it is refused.
   */
  async function submitEach(requests: readonly Request[]): Promise<readonly (Answer | Failed)[]> {
    const refusal = refusalOf(requests.length);
    if (refusal !== null) return requests.map(() => ({ failed: refusal }));
    const since = performance.now();
    const settled = partsOf(requests, maxBatch).map(async (part) => {
      try {
        return answersTo(part, await enqueue(part, { atomic: false, since }));
      } catch (failed) {
        return part.map(() => ({ failed }));
      }
    });
    return (await Promise.all(settled)).flat();
  }

  async function untilIdle(): Promise<void> {
    if (beginning) await new Promise((resolve) => setImmediate(resolve));
    while (underWay.length > 0) await Promise.all(underWay.map(({ done }) => done));
  }

  async function close(): Promise<void> {
    closed = true;
    await Promise.race([untilIdle(), abandoned.promise]);
    clearInterval(sweep);
  }

  function abandon(): void {
    closed = true;
    queued = 0;
    for (const { submission } of waiting.splice(0)) submission.fail(shuttingDown());
    for (const { submissions } of underWay)
      for (const submission of submissions) submission.fail(outcomeUnknown());
    abandoned.resolve();
  }

  return {
    submit,
    submitEach,
    submitAtomic: (requests) => submitWhole(requests, true),
    depth: () => queued,
    isIdle: () => queued === 0 && underWay.length === 0,
    isClosed: () => closed,
    close,
    abandon,
  };
}

function commandsIn(waiting: readonly Waiting[]): number {
  return waiting.reduce((sum, { submission }) => sum + submission.requests.length, 0);
}

function answersTo(requests: readonly Request[], settlement: Settlement): readonly (Answer | Failed)[] {
  if ('answers' in settlement && settlement.answers.length === requests.length) return settlement.answers;
  throw new Error('requests that are done each for itself were not settled by an answer each');
}

/** Cut where a part would be more than a batch. */
function partsOf(requests: readonly Request[], maxBatch: number): Request[][] {
  const parts: Request[][] = [];
  let weight = Infinity;
  for (const request of requests) {
    const more = postingsOf(request.command);
    weight += more;
    if (weight > maxBatch) {
      parts.push([]);
      weight = more;
    }
    parts.at(-1)?.push(request);
  }
  return parts;
}

/** What a batch is bounded by: a command of many postings is as much work as so many commands. */
function weightOf({ requests }: Submission): number {
  return requests.reduce((sum, { command }) => sum + postingsOf(command), 0);
}

function postingsOf(command: Command): number {
  if (command.kind === 'postings') return command.postings.length;
  // It is decided once in vain.
  if (command.kind === 'schedule.create') return postingsOf(command.command);
  return command.kind === 'schedule.run' ? command.postings : 1;
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
