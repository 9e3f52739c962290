/** The end of an attempt: what was decided is appended and committed, and the callers' answers follow from that. */
import type { PoolClient, QueryConfig } from 'pg';
import { sqlState } from '../db/failures.ts';
import { inOneFlight } from '../db/flight.ts';
import type { Transaction } from '../db/transaction.ts';
import { append, appendQuery, type Append, type Appended } from '../events/append.ts';
import { AttemptError, type AttemptOptions, type AttemptResult } from './attempt-terms.ts';
import { settlementsOf, type BatchPlan, type PersonalByEvent } from './batch-plan.ts';
import { personalOfBatch, writeDirectory } from './directory-heads.ts';
import type { Expectation } from './known-heads.ts';

/** Append and COMMIT leave together. An append that wrote nothing commits nothing. */
export async function commitAtOnce(
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
export async function appendAndCommit(
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

export function committed(
  options: AttemptOptions,
  plan: BatchPlan,
  appended: Appended,
  { personal = new Map(), as }: { personal?: PersonalByEvent; as?: Expectation } = {},
): AttemptResult {
  if (plan.raisesPolicy) options.cache.expire();
  for (const { event } of plan.events)
    if (event.type === 'wallet.opened') options.cache.rememberWallet(event.data);
  options.known.learn(appended, plan.events.length, plan.wallets, as);
  return { settlements: settlementsOf(plan, appended, personal), appended, events: plan.events.length };
}

/** Users, assets and personal values have heads to write while the head row is held. */
export async function commitWithDirectory(
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
  return committed(options, plan, appended, { personal });
}

export function appendOf(options: AttemptOptions, plan: BatchPlan): Append {
  const { ledgerId, cache } = options;
  const { raisesPolicy, occurredAt, events, wallets } = plan;
  const policyVersion = cache.policyVersion();
  return { ledgerId, policyVersion, headPosition: null, raisesPolicy, occurredAt, events, wallets };
}
