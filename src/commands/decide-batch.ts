/**
 * Takes a batch's commands one after the other through decide and evolve, in memory and without I/O: what is
 * to be appended, and what each caller will be told. A key seen before, in the log or earlier in the
 * batch, is answered from what it did then.
 */
import type { PreparedEvent } from '../events/append.ts';
import { evolveWithEntries } from '../events/evolve.ts';
import { outcomeOf } from '../events/outcome.ts';
import type { StoredEvent } from '../events/read.ts';
import type { LedgerState, WalletState } from '../events/state.ts';
import type { Refusal } from '../errors.ts';
import { decide } from './decide.ts';
import type { DecisionContext } from './decision.ts';
import { compareFingerprint, fingerprint, keyReused, keyReusedBy } from './idempotency.ts';
import type { Answer, Submission } from './submission.ts';

export type ContextSource = (
  occurredAt: string,
) => DecisionContext & { readonly saltUsed: () => Uint8Array | null };

export type KeyedSubmission = { readonly submission: Submission; readonly keyHash: Buffer };

/** An answer already known, or one that awaits the position of an event of this batch. */
type Planned =
  | { readonly kind: 'known'; readonly answer: Answer }
  | { readonly kind: 'appended'; readonly index: number; readonly replayed: boolean };

export type BatchPlan = {
  readonly occurredAt: string;
  readonly events: readonly PreparedEvent[];
  /** Final values of the wallets that were opened or changed, by id. */
  readonly wallets: readonly WalletState[];
  readonly raisesPolicy: boolean;
  /** In the order of the submissions. */
  readonly planned: readonly Planned[];
};

export function decideBatch(options: {
  state: LedgerState;
  batch: readonly KeyedSubmission[];
  /** Events that carry keys of this batch, by key. */
  stored: ReadonlyMap<string, StoredEvent>;
  occurredAt: string;
  contextFor: ContextSource;
}): BatchPlan {
  const { state, batch, stored, occurredAt, contextFor } = options;
  const events: PreparedEvent[] = [];
  const touched = new Set<string>();
  const firstUse = new Map<string, { submission: Submission; index: number }>();

  function answerAgain(submission: Submission, first: { submission: Submission; index: number }): Planned {
    const same = first.submission.request.canonicalRequest === submission.request.canonicalRequest;
    if (same) return { kind: 'appended', index: first.index, replayed: true };
    return known(keyReusedBy(first.submission.request.command, submission.request.command));
  }

  function answerAnew({ submission, keyHash }: KeyedSubmission): Planned {
    const { request } = submission;
    const context = contextFor(occurredAt);
    const decision = decide(state, request.command, context);
    if (decision.kind === 'refused') return known(decision.refusal);
    const last = decision.events.length - 1;
    for (const [index, event] of decision.events.entries()) {
      const entries = evolveWithEntries(state, { ...event, occurredAt });
      for (const entry of entries) touched.add(entry.walletId);
      if (event.type === 'wallet.opened' || event.type === 'wallet.status_changed')
        touched.add(event.data.walletId);
      const key =
        index === last
          ? {
              text: request.idempotencyKey,
              hash: keyHash,
              fingerprint: fingerprint(request.canonicalRequest, context.saltUsed()),
            }
          : null;
      events.push({ event, entries, actor: request.actor, correlationId: request.correlationId, key });
      submission.attemptedEventIds.add(event.id);
    }
    firstUse.set(request.idempotencyKey, { submission, index: events.length - 1 });
    return { kind: 'appended', index: events.length - 1, replayed: false };
  }

  const planned = batch.map((keyed): Planned => {
    const { request } = keyed.submission;
    const first = firstUse.get(request.idempotencyKey);
    if (first !== undefined) return answerAgain(keyed.submission, first);
    const earlier = stored.get(request.idempotencyKey);
    if (earlier !== undefined) return { kind: 'known', answer: answerFromLog(keyed.submission, earlier) };
    return answerAnew(keyed);
  });

  return {
    occurredAt,
    events,
    wallets: walletsOf(state, touched),
    raisesPolicy: events.some(({ event }) => event.type.endsWith('.status_changed')),
    planned,
  };
}

/** In the order of their ids, so that whoever inserts wallets does it in the same order. */
function walletsOf(state: LedgerState, ids: ReadonlySet<string>): WalletState[] {
  return [...ids].sort().map((id) => {
    const wallet = state.wallets.get(id);
    if (wallet === undefined) throw new Error(`wallet ${id} was touched but is not in the state`);
    return wallet;
  });
}

function known(refusal: Refusal): Planned {
  return {
    kind: 'known',
    answer: { outcome: { kind: 'refused', refusal }, position: null, replayed: false },
  };
}

function answerFromLog(submission: Submission, stored: StoredEvent): Answer {
  const { request } = submission;
  switch (compareFingerprint(stored, request.canonicalRequest)) {
    case 'same': {
      const replayed = !submission.attemptedEventIds.has(stored.id);
      return { outcome: outcomeOf(stored), position: stored.position, replayed };
    }
    case 'erased':
      return { outcome: { kind: 'erased' }, position: null, replayed: false };
    case 'other': {
      const refusal = keyReused(stored, request.command);
      return { outcome: { kind: 'refused', refusal }, position: null, replayed: false };
    }
  }
}

/** Personal values by event id, for the answers that show them. */
export type PersonalByEvent = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** The answers of a batch that was appended (or had nothing to append), in the order of its submissions. */
export function answersOf(
  plan: BatchPlan,
  appended: { firstPosition: bigint; recordedAt: string } | null,
  personal: PersonalByEvent,
): Answer[] {
  return plan.planned.map((planned): Answer => {
    if (planned.kind === 'known') return planned.answer;
    const prepared = plan.events[planned.index];
    if (prepared === undefined || appended === null)
      throw new Error('an answer awaits an event that was not appended');
    const { event } = prepared;
    const position = appended.firstPosition + BigInt(planned.index);
    const outcome = outcomeOf({
      ...event,
      position,
      occurredAt: plan.occurredAt,
      recordedAt: appended.recordedAt,
      personal: personal.get(event.id) ?? null,
    });
    return { outcome, position, replayed: planned.replayed };
  });
}
