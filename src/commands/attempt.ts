/**
 * One attempt at a batch: one READ COMMITTED transaction that locks, reads, decides, appends and commits.
 * It either settles everything or throws an AttemptError that says how far it had come; what to do about
 * that is batch.ts's business.
 */
import type { PoolClient } from 'pg';
import { sqlState } from '../db/failures.ts';
import { inOneFlight } from '../db/flight.ts';
import type { Transaction } from '../db/transaction.ts';
import { append, appendQuery, type Append, type Appended } from '../events/append.ts';
import { readEventsAt, type StoredEvent } from '../events/read.ts';
import { emptyState, type LedgerState } from '../events/state.ts';
import { normalizeEmail } from '../text.ts';
import {
  answersOf,
  decideBatch,
  type BatchPlan,
  type ContextSource,
  type KeyedSubmission,
} from './decide-batch.ts';
import type { DirectoryCache, Needs } from './directory-cache.ts';
import { personalOfBatch, touchesDirectory, writeDirectory } from './directory-heads.ts';
import { lockHead, lockWallets, readTakenEmails, readUnderLocks, type WalletHead } from './lock-and-read.ts';
import { needsOf } from './needs.ts';
import type { Answer } from './submission.ts';

/**
 * `policy_moved` and `wallet_appeared` are no errors of anyone: the batch simply has to start again.
 * `ambiguous`: the connection was lost after COMMIT was sent, and nobody knows yet what became of it.
 */
export class AttemptError extends Error {
  readonly reason: 'policy_moved' | 'wallet_appeared' | 'ambiguous' | 'failed';
  constructor(reason: AttemptError['reason'], cause?: unknown) {
    super(`attempt at a batch: ${reason}`, { cause });
    this.name = 'AttemptError';
    this.reason = reason;
  }
}

export type AttemptOptions = {
  readonly ledgerId: number;
  readonly cache: DirectoryCache;
  readonly contextFor: ContextSource;
  readonly batch: readonly KeyedSubmission[];
  /** After a lost race: take the head row before reading, so that the race cannot be lost again. */
  readonly headFirst: boolean;
};

export type AttemptResult = {
  readonly answers: readonly Answer[];
  readonly appended: Appended | null;
  readonly events: number;
};

/** Rejects with AttemptError only. The client has no open transaction afterwards, or is broken. */
export async function attemptBatch(client: PoolClient, options: AttemptOptions): Promise<AttemptResult> {
  try {
    const needs = needsOf(options.batch.map(({ submission }) => submission.request.command));
    await options.cache.ensure(client, needs);
    const plan = await planUnderLocks(client, options, needs);
    if (plan.events.length === 0) {
      await client.query('rollback');
      return { answers: answersOf(plan, null, new Map()), appended: null, events: 0 };
    }
    return touchesDirectory(plan.events)
      ? await commitWithDirectory(client, options, plan)
      : await commitAtOnce(client, options, plan);
  } catch (error) {
    const attemptError = error instanceof AttemptError ? error : new AttemptError('failed', error);
    // Where the connection is broken this fails too, and the caller discards the client.
    if (attemptError.reason !== 'ambiguous') await client.query('rollback').catch(() => undefined);
    throw attemptError;
  }
}

/** BEGIN, locks and reads leave in one flight; each is a statement of its own, with a snapshot after the locks. */
async function planUnderLocks(client: PoolClient, options: AttemptOptions, needs: Needs): Promise<BatchPlan> {
  const { ledgerId, cache, batch, headFirst } = options;
  const locked = lockedWallets(cache, needs);
  const opening: Promise<unknown>[] = [];
  const open = (): void => {
    opening.push(client.query('begin'), lockWallets(client, ledgerId, locked));
  };
  const read = () =>
    Promise.all([
      readUnderLocks(client, ledgerId, { walletIds: locked, keyHashes: batch.map(({ keyHash }) => keyHash) }),
      readTakenEmails(client, ledgerId, emailsOf(batch)),
      ...opening,
    ]);
  if (headFirst) {
    open();
    await Promise.all([...opening, lockHead(client, ledgerId)]);
    await cache.ensure(client, needs, { headIsLocked: true });
    const now = lockedWallets(cache, needs);
    // Locking it now would break the order of locks.
    if (now.some((id) => !locked.includes(id))) throw new AttemptError('wallet_appeared');
  }
  const [{ occurredAt, wallets, positions }, emails] = await inOneFlight(client, () => {
    if (!headFirst) open();
    return read();
  });
  const stored = await readEventsAt(client, ledgerId, positions);
  const state = stateOf({ cache, needs, wallets, emails });
  return decideBatch({ state, batch, stored: byKey(stored), occurredAt, contextFor: options.contextFor });
}

function lockedWallets(cache: DirectoryCache, needs: Needs): string[] {
  const ids = new Set(needs.walletIds);
  for (const key of needs.wallets.keys()) {
    const id = cache.walletId(key);
    if (id !== undefined) ids.add(id);
  }
  return [...ids];
}

function emailsOf(batch: readonly KeyedSubmission[]): string[] {
  return batch.flatMap(({ submission: { request } }) =>
    request.command.kind === 'user.register' ? [normalizeEmail(request.command.email)] : [],
  );
}

function byKey(stored: readonly StoredEvent[]): Map<string, StoredEvent> {
  return new Map(
    stored.flatMap((event) => (event.idempotencyKey === null ? [] : [[event.idempotencyKey, event]])),
  );
}

function stateOf(read: {
  cache: DirectoryCache;
  needs: Needs;
  wallets: readonly WalletHead[];
  emails: readonly string[];
}): LedgerState {
  const { cache, needs } = read;
  const state = emptyState();
  for (const id of needs.users) {
    const user = cache.user(id);
    if (user !== undefined) state.users.set(id, user);
  }
  for (const slug of needs.assets) {
    const asset = cache.asset(slug);
    if (asset !== undefined) state.assets.set(slug, asset);
  }
  for (const wallet of read.wallets) {
    const slug = cache.assetSlug(wallet.assetId);
    const asset = slug === undefined ? undefined : cache.asset(slug);
    if (asset === undefined) throw new AttemptError('policy_moved');
    state.assets.set(asset.slug, asset);
    state.wallets.set(wallet.id, { ...wallet, asset: asset.slug });
  }
  for (const key of needs.wallets.keys()) {
    const id = cache.walletId(key);
    if (id !== undefined && state.wallets.has(id)) state.walletIds.set(key, id);
  }
  for (const email of read.emails) state.emails.add(email);
  return state;
}

/** The common case: append and COMMIT leave together. An append that wrote nothing commits nothing. */
async function commitAtOnce(
  client: PoolClient,
  options: AttemptOptions,
  plan: BatchPlan,
): Promise<AttemptResult> {
  const query = appendQuery(appendOf(options, plan));
  const [appended, committed] = await inOneFlight(client, () =>
    Promise.allSettled([append(client, query), client.query('commit')]),
  );
  // An error of the append that the server reported by name means: nothing was written, COMMIT rolled back.
  if (appended.status === 'rejected' && sqlState(appended.reason) !== null) throw appended.reason;
  if (appended.status === 'rejected') throw new AttemptError('ambiguous', appended.reason);
  if (committed.status === 'rejected') throw new AttemptError('ambiguous', committed.reason);
  if (appended.value === null) throw new AttemptError('policy_moved');
  if (plan.raisesPolicy) options.cache.expire();
  const answers = answersOf(plan, appended.value, new Map());
  return { answers, appended: appended.value, events: plan.events.length };
}

/** Users, assets and personal values have heads to write while the head row is held. */
async function commitWithDirectory(
  client: PoolClient,
  options: AttemptOptions,
  plan: BatchPlan,
): Promise<AttemptResult> {
  const appended = await append(client, appendQuery(appendOf(options, plan)));
  if (appended === null) throw new AttemptError('policy_moved');
  const tx: Transaction = client;
  await writeDirectory(tx, options.ledgerId, plan);
  const personal = await personalOfBatch(tx, options.ledgerId, plan);
  await client.query('commit').catch((error: unknown) => {
    throw new AttemptError('ambiguous', error);
  });
  if (plan.raisesPolicy) options.cache.expire();
  return { answers: answersOf(plan, appended, personal), appended, events: plan.events.length };
}

function appendOf(options: AttemptOptions, plan: BatchPlan): Append {
  const { ledgerId, cache } = options;
  const { raisesPolicy, occurredAt, events, wallets } = plan;
  return { ledgerId, policyVersion: cache.policyVersion(), raisesPolicy, occurredAt, events, wallets };
}
