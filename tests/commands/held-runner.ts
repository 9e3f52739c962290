/** A runner in place of the database: it notes the batches that a queue gives it, and holds each until it is let go. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Turn } from '../../src/commands/attempt-terms.ts';
import type { Answer, Request, Settlement, Submission } from '../../src/commands/submission.ts';

const LIMIT_MS = 5_000;

export function request(key: string): Request {
  const command = { kind: 'asset.create', slug: 'gold' } as const;
  return { command, idempotencyKey: key, canonicalRequest: '{}', actor: 'test', correlationId: null };
}

export function keyOf({ requests }: Submission): string {
  return requests[0]?.idempotencyKey ?? '';
}

export function answerTo(submission: Submission): Settlement {
  const idempotencyKey = keyOf(submission);
  const answer: Answer = {
    outcome: { kind: 'accepted', body: { key: idempotencyKey } },
    position: 1n,
    replayed: false,
  };
  return { kind: 'answered', answers: [answer] };
}

export function keysOf(submissions: readonly Submission[]): string[] {
  return submissions.map(keyOf);
}

/** A runner whose batches each wait for `letGo`. */
export function heldRunner() {
  const batches: string[][] = [];
  const gates: (() => void)[] = [];
  const turns: Turn[] = [];
  let running = 0;
  let mostRunning = 0;
  let begun = Promise.withResolvers<void>();
  return {
    batches,
    mostRunning: () => mostRunning,
    turns,
    async runBatch(submissions: readonly Submission[], turn: Turn): Promise<void> {
      turns.push(turn);
      running += 1;
      mostRunning = Math.max(mostRunning, running);
      batches.push(keysOf(submissions));
      const gate = Promise.withResolvers<void>();
      gates.push(gate.resolve);
      begun.resolve();
      await gate.promise;
      for (const submission of submissions) submission.settle(answerTo(submission));
      running -= 1;
    },
    /** Resolves when as many batches have begun. */
    async untilBegun(count: number): Promise<void> {
      while (batches.length < count) {
        begun = Promise.withResolvers();
        await within(begun.promise);
      }
    },
    letGo: () => gates.shift()?.(),
  };
}

/** Keeps the process waiting too: the queue's own timer does not. */
export async function within<Result>(promise: Promise<Result>): Promise<Result> {
  const limit = new AbortController();
  const tooLate = delay(LIMIT_MS, undefined, { signal: limit.signal }).then(
    () => Promise.reject(new Error(`nothing happened for ${LIMIT_MS} ms`)),
    () => new Promise<never>(() => undefined),
  );
  return Promise.race([promise, tooLate]).finally(() => limit.abort());
}
