/** The short way of a batch: decided from the heads that this process knows, and locked, appended and committed in one flight. */
import type { PoolClient } from 'pg';
import { sqlState } from '../db/failures.ts';
import { inOneFlight } from '../db/flight.ts';
import { appendQuery } from '../events/append.ts';
import { commandsOf, type AttemptOptions, type AttemptResult } from './attempt-terms.ts';
import { isAppendedWhole, type BatchPlan } from './batch-plan.ts';
import { stateFromKnown, walletsToLock } from './batch-state.ts';
import { appendAndCommit, appendOf, committed } from './commit.ts';
import { decideBatch, type KeyedSubmission } from './decide-batch.ts';
import { touchesDirectory } from './directory-heads.ts';
import { lockWallets } from './lock-and-read.ts';
import { needsOf } from './needs.ts';
import { NO_REFERENCES, referencesOf } from './references.ts';

const LOCK_TIMEOUT = '55P03';

type KnownPlan = BatchPlan & { readonly headPosition: bigint; readonly lockedWallets: readonly string[] };

/** Null when the batch needs something that is not known, or is not appended whole, or writes more than wallets. */
export function planFromKnown(options: AttemptOptions): KnownPlan | null {
  const { cache, known, batch, contextFor } = options;
  const head = known.head();
  if (head === null || cache.policyVersion() === 0n) return null;
  const commands = commandsOf(batch);
  if (commands.some((command) => command.kind === 'user.register' || referencesOf(command) !== null))
    return null;
  if (keysOf(batch).some(known.isUnderWay)) return null;
  const needs = needsOf(commands, NO_REFERENCES);
  const state = stateFromKnown(cache, needs, known.wallet);
  if (state === null) return null;
  const plan = decideBatch({ state, batch, stored: new Map(), occurredAt: head.occurredAt, contextFor });
  // A key that the plan does not append could be known to the log, and the append would not notice.
  if (!isAppendedWhole(plan) || plan.events.length === 0 || touchesDirectory(plan)) return null;
  return { ...plan, headPosition: head.position, lockedWallets: walletsToLock(cache, needs) };
}

/** Null, with nothing written, when the head is elsewhere, the policy moved on, or a key is not new. */
export async function commitFromKnown(
  client: PoolClient,
  options: AttemptOptions,
  plan: KnownPlan,
): Promise<AttemptResult | null> {
  const { known, ledgerId, turn } = options;
  const query = appendQuery({ ...appendOf(options, plan), headPosition: plan.headPosition });
  const { locking, flight } = inOneFlight(client, () => {
    const begun = client.query('begin');
    const locked = lockWallets(client, ledgerId, plan.lockedWallets);
    return { locking: locked, flight: appendAndCommit(client, query, [begun, locked]) };
  });
  const expectation = known.expect({
    position: plan.headPosition + BigInt(plan.events.length),
    occurredAt: plan.occurredAt,
    wallets: plan.wallets,
    keys: new Set(keysOf(options.batch)),
  });
  // Sooner, the next batch could come to the locks first, and would have been decided in vain.
  locking.then(turn.departed, () => undefined);
  const appended = await flight.catch((error: unknown) => {
    // Waiting for the batch before it took longer than a lock may: that one has to end first.
    if (turn.before !== null && sqlState(error) === LOCK_TIMEOUT) return null;
    throw error;
  });
  if (appended === null) known.expectNothing();
  return appended === null ? null : committed(options, plan, appended, { as: expectation });
}

function keysOf(batch: readonly KeyedSubmission[]): string[] {
  const keys: string[] = [];
  for (const { submission } of batch)
    for (const { idempotencyKey } of submission.requests)
      if (idempotencyKey !== null) keys.push(idempotencyKey);
  return keys;
}
