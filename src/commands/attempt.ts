/**
 * One attempt at a batch: one READ COMMITTED transaction that locks, reads, decides, appends and commits; or, where
 * this process was the last to append, one that decides from what it knows and then locks, appends and commits in
 * one flight. It either settles everything or throws an AttemptError that says how far it had come; what to do about
 * that is batch.ts's business.
 */
import type { PoolClient } from 'pg';
import { inOneFlight } from '../db/flight.ts';
import { readEventsAt, type StoredEvent } from '../events/read.ts';
import { normalizeEmail } from '../text.ts';
import { AttemptError, commandsOf, type AttemptOptions, type AttemptResult } from './attempt-terms.ts';
import { stateUnderLocks, walletsToLock } from './batch-state.ts';
import { settlementsOf, type BatchPlan } from './batch-plan.ts';
import { commitAtOnce, commitWithDirectory } from './commit.ts';
import { decideBatch, type KeyedSubmission } from './decide-batch.ts';
import type { Needs } from './directory-cache.ts';
import { touchesDirectory } from './directory-heads.ts';
import { commitFromKnown, planFromKnown } from './from-known.ts';
import { lockHead, lockWallets, readTakenEmails, readUnderLocks } from './lock-and-read.ts';
import { needsOf } from './needs.ts';
import { readReferences, type References } from './references.ts';
import { readHolds, readLots, readOriginals } from './read-heads.ts';
import { lockSchedules, readSchedules, schedulesToLock } from './schedule-heads.ts';
import { readWalletIdsOfUsers, wholeUsersOf } from './whole-users.ts';

/** Rejects with AttemptError only. The client has no open transaction afterwards, or is broken. */
export async function attemptBatch(client: PoolClient, options: AttemptOptions): Promise<AttemptResult> {
  try {
    const whole = wholeUsersOf(commandsOf(options.batch));
    // Whether a user has nothing can only be known while nobody else can append.
    const headFirst = options.headFirst || whole.length > 0;
    const plan = headFirst ? null : planFromKnown(options);
    const done = plan === null ? null : await commitFromKnown(client, options, plan);
    if (done !== null) return done;
    // What it reads is what the batch before it may still be changing.
    await options.turn.before;
    return await lockReadAndCommit(client, { ...options, headFirst }, whole);
  } catch (error) {
    options.known.forget();
    const attemptError = error instanceof AttemptError ? error : new AttemptError('failed', error);
    // Where the connection is broken this fails too, and the caller discards the client.
    if (attemptError.reason !== 'ambiguous') await client.query('rollback').catch(() => undefined);
    throw attemptError;
  }
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

function keyHashesOf(batch: readonly KeyedSubmission[]): Buffer[] {
  return batch.flatMap(({ keyHashes }) => keyHashes).filter((hash) => hash !== null);
}

function byKey(stored: readonly StoredEvent[]): Map<string, StoredEvent> {
  return new Map(
    stored.flatMap((event) => (event.idempotencyKey === null ? [] : [[event.idempotencyKey, event]])),
  );
}
