/**
 * Group commit: all commands waiting at one moment share one transaction, one round of locks and one fsync.
 * This file decides what happens when an attempt fails: who runs again, who fails, and who must be told that
 * nobody knows. The invariant behind all of it: a caller is told an outcome only once it is committed.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Pool, PoolClient } from 'pg';
import { classifyFailure, isBeyondUse, isConnectionError, writeFaultOf } from '../db/failures.ts';
import { OperationalError } from '../errors.ts';
import { attemptBatch } from './attempt.ts';
import { AttemptError, type AttemptResult, type Turn } from './attempt-terms.ts';
import type { ContextSource, KeyedSubmission } from './decide-batch.ts';
import type { DirectoryCache } from './directory-cache.ts';
import { keyHash } from '../events/key-hash.ts';
import { UnreadableEventError } from '../events/upcast.ts';
import type { KnownHeads } from './known-heads.ts';
import { lockHead } from './lock-and-read.ts';
import type { Answer, Failed, Settlement, Submission } from './submission.ts';

export type BatchRunner = (submissions: readonly Submission[], turn: Turn) => Promise<void>;

export type BatchRunnerDeps = {
  readonly pool: Pool;
  readonly ledgerId: number;
  readonly cache: DirectoryCache;
  readonly known: KnownHeads;
  readonly contextFor: ContextSource;
  readonly log: Logger;
  readonly maxAttempts: number;
  /** No further attempt starts after this long. */
  readonly deadlineMs: number;
  readonly onCommitted: (batch: {
    position: bigint;
    commands: number;
    events: number;
    durationMs: number;
  }) => void;
  readonly onRetry: (reason: string) => void;
  /** The database would not take a batch, for this cause. */
  readonly onUnavailable: (cause: unknown) => void;
};

/** The runner never rejects: every submission is failed, or settled by the next turn of the event loop. */
export function createBatchRunner(deps: BatchRunnerDeps): BatchRunner {
  return async (submissions, turn) => {
    const batch = submissions.map((submission) => ({
      submission,
      keyHashes: submission.requests.map(({ idempotencyKey }) =>
        idempotencyKey === null ? null : keyHash(idempotencyKey),
      ),
    }));
    await runToTheEnd(deps, batch, turn).catch((error: unknown) => failAll(deps, batch, error));
  };
}

async function runToTheEnd(
  deps: BatchRunnerDeps,
  batch: readonly KeyedSubmission[],
  turn: Turn,
): Promise<void> {
  const startedAt = performance.now();
  let headFirst = false;
  let lastError: unknown;
  /** A COMMIT whose fate is not known: from then on no failure may claim that nothing was written. */
  let undecided: AttemptError | null = null;
  let answersAreDue = false;
  for (let attempt = 1; attempt <= deps.maxAttempts; attempt += 1) {
    // Once the fate of a commit can be found out, it is, however late.
    if (attempt > 1 && !answersAreDue && performance.now() - startedAt > deps.deadlineMs) break;
    answersAreDue = false;
    try {
      const result = await withClient(deps, (client) =>
        attemptBatch(client, { ...deps, batch, headFirst, turn }),
      );
      settleAll(deps, batch, result, performance.now() - startedAt);
      return;
    } catch (error) {
      lastError = error;
      const verdict = verdictOn(error);
      deps.onRetry(verdict);
      switch (verdict) {
        case 'policy_moved':
          deps.cache.expire();
          // Else another process that changes one status after the other could refuse this batch for ever.
          headFirst = true;
          break;
        case 'wallet_appeared':
        case 'conflict':
          headFirst = true;
          break;
        case 'transient':
          await delay(backoffMs(attempt));
          break;
        case 'ambiguous':
          undecided = error as AttemptError;
          await untilKnown(deps, undecided);
          answersAreDue = true;
          break;
        case 'command':
          await splitUp(deps, batch, { error, turn });
          return;
        case 'unavailable':
          deps.onUnavailable(causeOf(error));
          throw undecided === null ? unavailable(error) : outcomeUnknown(undecided);
        case 'bug':
          // An event that cannot be read is what one command refers to.
          if (error instanceof AttemptError && error.cause instanceof UnreadableEventError)
            return await splitUp(deps, batch, { error, turn });
          throw error;
      }
    }
  }
  if (undecided !== null) throw outcomeUnknown(undecided);
  if (isConnectionError(causeOf(lastError))) throw unavailable(lastError);
  throw new OperationalError('overloaded', 'The command met too many conflicts. Nothing was written.', {
    retryAfterSeconds: 1,
    cause: lastError,
  });
}

type Verdict = Exclude<AttemptError['reason'], 'failed'> | ReturnType<typeof classifyFailure>;

function verdictOn(error: unknown): Verdict {
  if (!(error instanceof AttemptError)) return classifyFailure(error);
  if (error.reason !== 'failed') return error.reason;
  // COMMIT was not sent: the transaction is gone with its connection, and the batch may run again.
  const lost = isConnectionError(error.cause);
  return lost ? 'transient' : classifyFailure(error.cause);
}

function causeOf(error: unknown): unknown {
  return error instanceof AttemptError ? error.cause : error;
}

/** 5 to 10 ms, 10 to 20 ms, ... at most 320 ms: jitter, so that two who collided do not collide again. */
function backoffMs(attempt: number): number {
  return 5 * 2 ** Math.min(attempt - 1, 5) * (1 + Math.random());
}

async function withClient<Result>(
  deps: BatchRunnerDeps,
  work: (client: PoolClient) => Promise<Result>,
): Promise<Result> {
  const client = await deps.pool.connect();
  let broken = false;
  try {
    return await work(client);
  } catch (error) {
    broken = (error instanceof AttemptError && error.reason === 'ambiguous') || isBeyondUse(causeOf(error));
    throw error;
  } finally {
    client.release(broken);
  }
}

/**
 * After a connection was lost during COMMIT, finding nothing proves nothing: the old transaction may still be
 * committing. It holds the head row until it ends, so waiting for that row on a new connection waits for its
 * end; the next attempt then finds the keys or does not, and both are the truth.
 */
async function untilKnown(deps: BatchRunnerDeps, cause: unknown): Promise<void> {
  const startedAt = performance.now();
  for (let attempt = 1; ; attempt += 1) {
    try {
      await withClient(deps, (client) => lockHead(client, deps.ledgerId));
      return;
    } catch (error) {
      if (performance.now() - startedAt > deps.deadlineMs) {
        deps.log.error({ err: error }, 'the outcome of a commit could not be found out');
        throw outcomeUnknown(cause);
      }
      await delay(backoffMs(attempt));
    }
  }
}

/** One after the other, so that only the guilty one fails and the others keep their order. */
async function splitUp(
  deps: BatchRunnerDeps,
  batch: readonly KeyedSubmission[],
  { error, turn }: { error: unknown; turn: Turn },
): Promise<void> {
  const alone = batch.flatMap(eachAlone);
  if (alone.length === 1) throw error;
  deps.log.warn({ err: error, commands: alone.length }, 'a command broke its batch: running them one by one');
  for (const keyed of alone) {
    await runToTheEnd(deps, [keyed], turn).catch((failure: unknown) => failAll(deps, [keyed], failure));
  }
}

/** A submission whose requests are done each for itself, as one for each; it is settled when all of those are. */
function eachAlone(keyed: KeyedSubmission): KeyedSubmission[] {
  const { submission, keyHashes } = keyed;
  const { requests, atomic } = submission;
  if (atomic || requests.length === 1) return [keyed];
  const answers: (Answer | Failed)[] = [];
  let left = requests.length;
  return requests.map((request, index) => {
    const end = (answer: Answer | Failed): void => {
      if (answers[index] !== undefined) return;
      answers[index] = answer;
      left -= 1;
      if (left === 0) submission.settle({ kind: 'answered_in_part', answers });
    };
    const settle = (settlement: Settlement): void => {
      const [answer] = settlement.kind === 'answered' ? settlement.answers : [];
      end(answer ?? { failed: new Error('one request was not settled by one answer') });
    };
    const one = {
      ...{ requests: [request], atomic: false, settle, fail: (failed: unknown) => end({ failed }) },
      attemptedEventIds: [...submission.attemptedEventIds],
    };
    return { submission: one, keyHashes: [keyHashes[index] ?? null] };
  });
}

function outcomeUnknown(cause: unknown): OperationalError {
  const message =
    'The connection broke during COMMIT. Retry with the same Idempotency-Key to learn the outcome.';
  return new OperationalError('outcome_unknown', message, { retryAfterSeconds: 1, cause });
}

function unavailable(error: unknown): OperationalError {
  const fault = writeFaultOf(causeOf(error));
  const why = fault === null ? '' : `: ${fault}`;
  const message = `The database cannot take writes right now${why}. Nothing was written; retry with the same Idempotency-Key.`;
  return new OperationalError('database_unavailable', message, { retryAfterSeconds: 1, cause: error });
}

function settleAll(
  deps: BatchRunnerDeps,
  batch: readonly KeyedSubmission[],
  result: AttemptResult,
  durationMs: number,
): void {
  const { appended, events, settlements } = result;
  // The next batch leaves for the database before the callers of this one are answered: both work at once.
  setImmediate(() => {
    let index = 0;
    for (const { submission } of batch) {
      const settlement = settlements[index++];
      if (settlement === undefined)
        submission.fail(new Error('a batch gave fewer answers than it had commands'));
      else submission.settle(settlement);
    }
  });
  if (appended === null) return;
  const position = appended.firstPosition + BigInt(events - 1);
  const commands = batch.reduce((sum, { submission }) => sum + submission.requests.length, 0);
  deps.onCommitted({ position, commands, events, durationMs });
}

function failAll(deps: BatchRunnerDeps, batch: readonly KeyedSubmission[], error: unknown): void {
  deps.log.error({ err: error, commands: batch.length }, 'a batch failed');
  for (const { submission } of batch) submission.fail(error);
}
