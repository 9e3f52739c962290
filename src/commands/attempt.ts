/**
 * One attempt at a batch: one READ COMMITTED transaction that locks, reads, decides, appends and commits; or, where
 * this process was the last to append, one that decides from what it knows and then locks, appends and commits in
 * one flight. It either settles everything or throws an AttemptError that says how far it had come; what to do about
 * that is batch.ts's business.
 */
import type { PoolClient, QueryConfig } from 'pg';
import { sqlState } from '../db/failures.ts';
import { inOneFlight } from '../db/flight.ts';
import type { Transaction } from '../db/transaction.ts';
import { append, appendQuery, type Append, type Appended } from '../events/append.ts';
import { readEventsAt, type StoredEvent } from '../events/read.ts';
import { normalizeEmail } from '../text.ts';
import { stateFromKnown, stateUnderLocks, walletsToLock } from './batch-state.ts';
import {
  settlementsOf,
  decideBatch,
  isAppendedWhole,
  type BatchPlan,
  type ContextSource,
  type KeyedSubmission,
  type PersonalByEvent,
} from './decide-batch.ts';
import type { DirectoryCache, Needs } from './directory-cache.ts';
import { personalOfBatch, touchesDirectory, writeDirectory } from './directory-heads.ts';
import type { KnownHeads } from './known-heads.ts';
import { lockHead, lockWallets, readTakenEmails, readUnderLocks } from './lock-and-read.ts';
import { needsOf } from './needs.ts';
import { NO_REFERENCES, readReferences, referencesOf, type References } from './references.ts';
import { readHolds, readLots, readOriginals } from './read-heads.ts';
import { lockSchedules, readSchedules, schedulesToLock } from './schedule-heads.ts';
import type { Settlement } from './submission.ts';
import type { Command } from './schemas.ts';
import { readWalletIdsOfUsers, wholeUsersOf } from './whole-users.ts';

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
  readonly known: KnownHeads;
  readonly contextFor: ContextSource;
  readonly batch: readonly KeyedSubmission[];
  /** After a lost race: take the head row before reading, so that the race cannot be lost again. */
  readonly headFirst: boolean;
};

export type AttemptResult = {
  /** One for each submission of the batch. */
  readonly settlements: readonly Settlement[];
  readonly appended: Appended | null;
  readonly events: number;
};

/** Rejects with AttemptError only. The client has no open transaction afterwards, or is broken. */
export async function attemptBatch(client: PoolClient, options: AttemptOptions): Promise<AttemptResult> {
  try {
    const whole = wholeUsersOf(commandsOf(options.batch));
    // Whether a user has nothing can only be known while nobody else can append.
    if (options.headFirst || whole.length > 0)
      return await lockReadAndCommit(client, { ...options, headFirst: true }, whole);
    const plan = planFromKnown(options);
    const done = plan === null ? null : await commitFromKnown(client, options, plan);
    return done ?? (await lockReadAndCommit(client, options, whole));
  } catch (error) {
    options.known.forget();
    const attemptError = error instanceof AttemptError ? error : new AttemptError('failed', error);
    // Where the connection is broken this fails too, and the caller discards the client.
    if (attemptError.reason !== 'ambiguous') await client.query('rollback').catch(() => undefined);
    throw attemptError;
  }
}

type KnownPlan = BatchPlan & { readonly headPosition: bigint; readonly lockedWallets: readonly string[] };

/** Null when the batch needs something that is not known, or is not appended whole, or writes more than wallets. */
function planFromKnown(options: AttemptOptions): KnownPlan | null {
  const { cache, known, batch, contextFor } = options;
  const head = known.head();
  if (head === null || cache.policyVersion() === 0n) return null;
  const commands = commandsOf(batch);
  if (commands.some((command) => command.kind === 'user.register' || referencesOf(command) !== null))
    return null;
  const needs = needsOf(commands, NO_REFERENCES);
  const state = stateFromKnown(cache, needs, known.wallet);
  if (state === null) return null;
  const plan = decideBatch({ state, batch, stored: new Map(), occurredAt: head.occurredAt, contextFor });
  // A key that the plan does not append could be known to the log, and the append would not notice.
  if (!isAppendedWhole(plan) || plan.events.length === 0 || touchesDirectory(plan)) return null;
  return { ...plan, headPosition: head.position, lockedWallets: walletsToLock(cache, needs) };
}

/** Null, with nothing written, when the head is elsewhere, the policy moved on, or a key is not new. */
async function commitFromKnown(
  client: PoolClient,
  options: AttemptOptions,
  plan: KnownPlan,
): Promise<AttemptResult | null> {
  const query = appendQuery({ ...appendOf(options, plan), headPosition: plan.headPosition });
  const appended = await inOneFlight(client, () =>
    appendAndCommit(client, query, [
      client.query('begin'),
      lockWallets(client, options.ledgerId, plan.lockedWallets),
    ]),
  );
  return appended === null ? null : committed(options, plan, appended);
}

/** `whole`: users of whom all wallets are locked and read. */
async function lockReadAndCommit(
  client: PoolClient,
  options: AttemptOptions,
  whole: readonly string[],
): Promise<AttemptResult> {
  const commands = commandsOf(options.batch);
  const references = await readReferences(client, options.ledgerId, commands);
  const needs = needsOf(commands, references, await readWalletIdsOfUsers(client, options.ledgerId, whole));
  await options.cache.ensure(client, needs);
  const plan = await planUnderLocks(client, options, { needs, references, whole });
  if (plan.events.length === 0) {
    await client.query('rollback');
    return { settlements: settlementsOf(plan, null, new Map()), appended: null, events: 0 };
  }
  return touchesDirectory(plan)
    ? await commitWithDirectory(client, options, plan)
    : await commitAtOnce(client, options, plan);
}

/** BEGIN, locks and reads leave in one flight; each is a statement of its own, with a snapshot after the locks. */
async function planUnderLocks(
  client: PoolClient,
  options: AttemptOptions,
  wanted: { needs: Needs; references: References; whole: readonly string[] },
): Promise<BatchPlan> {
  const { ledgerId, cache, batch, headFirst } = options;
  const { needs, references } = wanted;
  const locked = walletsToLock(cache, needs);
  const schedules = schedulesToLock(commandsOf(batch), references);
  const opening: Promise<unknown>[] = [];
  const open = (): void => {
    opening.push(client.query('begin'), lockWallets(client, ledgerId, locked));
    if (schedules.length > 0) opening.push(lockSchedules(client, ledgerId, schedules));
  };
  const read = () =>
    Promise.all([
      readUnderLocks(client, ledgerId, { walletIds: locked, keyHashes: keyHashesOf(batch) }),
      readTakenEmails(client, ledgerId, emailsOf(batch)),
      readHolds(client, ledgerId, references),
      readOriginals(client, ledgerId, references),
      readSchedules(client, ledgerId, references),
      ...opening,
    ]);
  if (headFirst) {
    open();
    await Promise.all([...opening, lockHead(client, ledgerId)]);
    await cache.ensure(client, needs, { headIsLocked: true });
    const owned = await readWalletIdsOfUsers(client, ledgerId, wanted.whole);
    const now = [...walletsToLock(cache, needs), ...owned];
    // Locking it now would break the order of locks.
    if (now.some((id) => !locked.includes(id))) throw new AttemptError('wallet_appeared');
  }
  const [{ occurredAt, wallets, positions }, emails, holds, originals, waiting] = await inOneFlight(
    client,
    () => {
      if (!headFirst) open();
      return read();
    },
  );
  const stored = await readEventsAt(client, ledgerId, positions);
  const lots = await readLots(client, ledgerId, { wallets, references });
  const state = stateUnderLocks({
    cache,
    needs,
    wallets,
    emails,
    holds,
    lots,
    originals,
    schedules: waiting,
  });
  if (state === null) throw new AttemptError('policy_moved');
  return decideBatch({ state, batch, stored: byKey(stored), occurredAt, contextFor: options.contextFor });
}

function emailsOf(batch: readonly KeyedSubmission[]): string[] {
  return commandsOf(batch).flatMap((command) =>
    command.kind === 'user.register' ? [normalizeEmail(command.email)] : [],
  );
}

function commandsOf(batch: readonly KeyedSubmission[]): Command[] {
  return batch.flatMap(({ submission }) => submission.requests.map(({ command }) => command));
}

function keyHashesOf(batch: readonly KeyedSubmission[]): Buffer[] {
  return batch.flatMap(({ keyHashes }) => keyHashes.filter((hash) => hash !== null));
}

function byKey(stored: readonly StoredEvent[]): Map<string, StoredEvent> {
  return new Map(
    stored.flatMap((event) => (event.idempotencyKey === null ? [] : [[event.idempotencyKey, event]])),
  );
}

/** Append and COMMIT leave together. An append that wrote nothing commits nothing. */
async function commitAtOnce(
  client: PoolClient,
  options: AttemptOptions,
  plan: BatchPlan,
): Promise<AttemptResult> {
  const query = appendQuery(appendOf(options, plan));
  const appended = await inOneFlight(client, () => appendAndCommit(client, query, []));
  if (appended === null) throw new AttemptError('policy_moved');
  return committed(options, plan, appended);
}

/**
 * Sends the append and COMMIT behind statements already sent. An error that the server reported by name, of whichever
 * of them, means: nothing was written, COMMIT rolled back. Any other leaves the outcome open.
 */
async function appendAndCommit(
  client: PoolClient,
  query: QueryConfig,
  before: readonly Promise<unknown>[],
): Promise<Appended | null> {
  const appending = append(client, query);
  const results = await Promise.allSettled([...before, appending, client.query('commit')]);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed === undefined) return appending;
  const committing = results.at(-1);
  if (failed !== committing && sqlState(failed.reason) !== null) throw failed.reason;
  throw new AttemptError('ambiguous', failed.reason);
}

function committed(
  options: AttemptOptions,
  plan: BatchPlan,
  appended: Appended,
  personal: PersonalByEvent = new Map(),
): AttemptResult {
  if (plan.raisesPolicy) options.cache.expire();
  options.cache.rememberWallets(plan.wallets);
  options.known.learn(appended, plan.events.length, plan.wallets);
  return { settlements: settlementsOf(plan, appended, personal), appended, events: plan.events.length };
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
  return committed(options, plan, appended, personal);
}

function appendOf(options: AttemptOptions, plan: BatchPlan): Append {
  const { ledgerId, cache } = options;
  const { raisesPolicy, occurredAt, events, wallets } = plan;
  const policyVersion = cache.policyVersion();
  return { ledgerId, policyVersion, headPosition: null, raisesPolicy, occurredAt, events, wallets };
}
