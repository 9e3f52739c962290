/** A write side as a process of its own would have it: a pool, caches and a queue, without HTTP. */
import { randomBytes, randomUUID } from 'node:crypto';
import { pino } from 'pino';
import type { CommandQueue } from '../../src/commands/queue.ts';
import type { Command } from '../../src/commands/schemas.ts';
import type { Answer, Request } from '../../src/commands/submission.ts';
import { createWriteSide } from '../../src/commands/write-side.ts';
import { keyProbeSettings } from '../../src/db/key-probes.ts';
import { createPool } from '../../src/db/pool.ts';
import { asRole } from '../../src/db/session.ts';
import { canonicalJson } from '../../src/events/canonical.ts';

export type WriteSide = {
  readonly queue: CommandQueue;
  /** Commands submitted in one turn of the event loop on an idle write side form one batch. */
  submit(command: Command, key?: string, correlationId?: string): Promise<Answer>;
  /** How many commands each committed batch had. */
  readonly batches: readonly number[];
  /** Why attempts were repeated or given up, in order. */
  readonly verdicts: readonly string[];
  close(): Promise<void>;
};

export type WriteSideOptions = {
  readonly maxBatch?: number;
  readonly maxQueue?: number;
  readonly lockTimeoutMs?: number;
  readonly statementTimeoutMs?: number;
  readonly silenceTimeoutMs?: number;
  readonly batchDeadlineMs?: number;
  readonly maxWaitMs?: number;
  /** After each committed batch, with their number. */
  readonly onCommitted?: (batches: number) => void;
  readonly settings?: Readonly<Record<string, string>>;
};

/** The first migration makes the ledger `main`, whose id is 1. */
export const LEDGER_ID = 1;

export function openWritePool(url: string, options: WriteSideOptions = {}) {
  const pool = createPool({
    url: asRole(url, 'coffer_service'),
    name: 'write',
    max: 2,
    connectTimeoutMs: 3_000,
    statementTimeoutMs: options.statementTimeoutMs ?? 10_000,
    ...(options.silenceTimeoutMs === undefined ? {} : { silenceTimeoutMs: options.silenceTimeoutMs }),
    lockTimeoutMs: options.lockTimeoutMs ?? 10_000,
    idleInTransactionTimeoutMs: 10_000,
    pipeline: true,
    settings: { ...keyProbeSettings, ...options.settings },
    onIdleError: () => undefined,
  });
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

export function openWriteSide(url: string, options: WriteSideOptions = {}): WriteSide {
  const pool = openWritePool(url, options);
  const batches: number[] = [];
  const verdicts: string[] = [];
  const queue = createWriteSide({
    pool,
    ledgerId: LEDGER_ID,
    log: pino({ level: 'silent' }),
    maxBatch: options.maxBatch ?? 500,
    maxQueue: options.maxQueue ?? 10_000,
    onCommitted: ({ commands }) => {
      batches.push(commands);
      options.onCommitted?.(batches.length);
    },
    onRetry: (verdict) => void verdicts.push(verdict),
    ...(options.batchDeadlineMs === undefined ? {} : { batchDeadlineMs: options.batchDeadlineMs }),
    ...(options.maxWaitMs === undefined ? {} : { maxWaitMs: options.maxWaitMs }),
  });
  return {
    queue,
    submit: (command, key, correlationId) => queue.submit(requestOf(command, key, correlationId)),
    batches,
    verdicts,
    async close() {
      await queue.close();
      await pool.end();
    },
  };
}

export function requestOf(
  command: Command,
  key: string = randomUUID(),
  correlationId: string | null = null,
): Request {
  return {
    command,
    idempotencyKey: key,
    canonicalRequest: canonicalJson(command),
    actor: 'test',
    correlationId,
  };
}

/** The body of an accepted answer; throws for any other. */
// oxlint-disable-next-line typescript/no-explicit-any -- bodies of all shapes
export function bodyOf(answer: Answer): any {
  if (answer.outcome.kind !== 'accepted') throw new Error(`not accepted: ${JSON.stringify(answer.outcome)}`);
  return answer.outcome.body;
}

/** The code of a refused answer; throws for any other. */
export function codeOf(answer: Answer): string {
  if (answer.outcome.kind !== 'refused') throw new Error(`not refused: ${answer.outcome.kind}`);
  return answer.outcome.refusal.code;
}

/** A name that nothing else in the ledger has: for slugs and e-mails. */
export function freshName(prefix: string): string {
  return `${prefix}_${randomBytes(5).toString('hex')}`;
}

export async function newAsset(side: WriteSide, fields: { supplyCap?: string } = {}): Promise<string> {
  const slug = freshName('asset');
  bodyOf(await side.submit({ kind: 'asset.create', slug, ...fields }));
  return slug;
}

/** Registers a user, with a wallet if there is an amount to put into it. Resolves to the user's id. */
export async function newUser(
  side: WriteSide,
  funds?: { assetSlug: string; amount: string },
): Promise<string> {
  const email = `${freshName('user')}@example.com`;
  const userId = String(bodyOf(await side.submit({ kind: 'user.register', email })).id);
  if (funds !== undefined) bodyOf(await side.submit({ kind: 'topup', userId, ...funds }));
  return userId;
}
