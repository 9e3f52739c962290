/**
 * Takes a batch's commands one after the other through decide and evolve, in memory and without I/O: what is
 * to be appended, and what each caller will be told. A key seen before, in the log or earlier in the
 * batch, is answered from what it did then.
 */
import type { PreparedEvent } from '../events/append.ts';
import type { NewEvent } from '../events/catalog.ts';
import { evolveWithEntries } from '../events/evolve.ts';
import { lotChangesOf, type Lot } from '../events/lots.ts';
import type { StoredEvent } from '../events/read.ts';
import { forkState, type LedgerState, type WalletState } from '../events/state.ts';
import { answerFromLog } from './answer-from-log.ts';
import type { BatchPlan, Planned, PlannedSettlement } from './batch-plan.ts';
import { decide } from './decide.ts';
import type { DecisionContext } from './decision.ts';
import { fingerprint, keyReusedBy } from './idempotency.ts';
import type { Answer, Request, Submission } from './submission.ts';

export type ContextSource = (
  occurredAt: string,
) => DecisionContext & { readonly saltUsed: () => Uint8Array | null };

export type KeyedSubmission = {
  readonly submission: Submission;
  /** Of each request; null where it has no key. */
  readonly keyHashes: readonly (Buffer | null)[];
};

export type BatchToDecide = {
  readonly state: LedgerState;
  readonly batch: readonly KeyedSubmission[];
  /** Events that carry keys of this batch, by key. */
  readonly stored: ReadonlyMap<string, StoredEvent>;
  readonly occurredAt: string;
  readonly contextFor: ContextSource;
};

type FirstUse = { readonly request: Request; readonly index: number };

/** Where the decisions so far have led: a state, the events that lead there, and the keys they carry. */
type Course = {
  readonly state: LedgerState;
  readonly events: PreparedEvent[];
  readonly touched: Set<string>;
  readonly firstUse: Map<string, FirstUse>;
};

export function decideBatch(work: BatchToDecide): BatchPlan {
  let course: Course = { state: work.state, events: [], touched: new Set(), firstUse: new Map() };
  const settlements = work.batch.map((keyed): PlannedSettlement => {
    if (!keyed.submission.atomic) {
      const planned = keyed.submission.requests.map((_request, index) => answer(work, course, keyed, index));
      return { kind: 'answered', planned };
    }
    const tried = tryAtomic(work, course, keyed);
    course = tried.course;
    return tried.settlement;
  });
  const { state, events, touched } = course;
  return {
    occurredAt: work.occurredAt,
    events,
    wallets: walletsOf(state, touched),
    lots: lotsTouched(state, events),
    raisesPolicy: events.some(({ event }) => raisesPolicy(event)),
    settlements,
  };
}

/** What is kept by the policy version: statuses, and limits of assets. */
function raisesPolicy({ type }: NewEvent): boolean {
  return type === 'user.erased' || type === 'asset.limits_changed' || type.endsWith('.status_changed');
}

/** Whether an event leaves another head of the wallet that it names. */
function isAboutWallet(event: NewEvent): event is Extract<NewEvent, { type: `wallet.${string}` }> {
  return event.type.startsWith('wallet.');
}

function fork(course: Course): Course {
  return {
    state: forkState(course.state),
    events: [...course.events],
    touched: new Set(course.touched),
    firstUse: new Map(course.firstUse),
  };
}

function tryAtomic(
  work: BatchToDecide,
  course: Course,
  keyed: KeyedSubmission,
): { course: Course; settlement: PlannedSettlement } {
  const { requests } = keyed.submission;
  const known = requests.flatMap(({ idempotencyKey: key }, index) =>
    key !== null && (course.firstUse.has(key) || work.stored.has(key)) ? [index] : [],
  );
  if (known.length > 0) return { course, settlement: settleKnown(work, course, keyed, known) };
  const tentative = fork(course);
  const planned: Planned[] = [];
  for (const index of requests.keys()) {
    const from = tentative.events.length;
    const one = answer(work, tentative, keyed, index);
    planned.push(one);
    if (isRefused(one, tentative)) {
      const kept = keepRefusal(one, { course, tentative, from, occurredAt: work.occurredAt });
      return { course, settlement: { kind: 'batch_refused', index, planned: kept } };
    }
  }
  return { course: tentative, settlement: { kind: 'answered', planned } };
}

/** All keys known: the first answers again. One, and it was refused: the batch was, for that. Else it is another batch. */
function settleKnown(
  work: BatchToDecide,
  course: Course,
  keyed: KeyedSubmission,
  known: readonly number[],
): PlannedSettlement {
  const { requests } = keyed.submission;
  const planned = known.map((index) => answer(work, course, keyed, index));
  const [first] = planned;
  const [index] = known;
  if (known.length === 1 && first !== undefined && index !== undefined && isRemembered(first, course)) {
    return { kind: 'batch_refused', index, planned: first };
  }
  const refused = planned.some((one) => isRefused(one, course));
  if (known.length === requests.length && !refused) return { kind: 'answered', planned };
  return { kind: 'keys_known_in_part', known };
}

/** Of a refused batch only the refusal is kept, and the wallets it opened: none of what came before it in the batch. */
function keepRefusal(
  planned: Planned,
  tried: { course: Course; tentative: Course; from: number; occurredAt: string },
): Planned {
  if (planned.kind === 'known') return planned;
  const { course, tentative, from, occurredAt } = tried;
  for (const prepared of tentative.events.slice(from, planned.index + 1)) {
    evolveWithEntries(course.state, { ...prepared.event, occurredAt });
    if (prepared.event.type === 'wallet.opened') course.touched.add(prepared.event.data.walletId);
    course.events.push(prepared);
  }
  const index = course.events.length - 1;
  for (const [key, use] of tentative.firstUse) {
    if (use.index === planned.index) course.firstUse.set(key, { ...use, index });
  }
  return { ...planned, index };
}

function isRefused(planned: Planned, course: Course): boolean {
  if (planned.kind === 'known') return planned.answer.outcome.kind !== 'accepted';
  return course.events[planned.index]?.event.type === 'transaction.rejected';
}

/** A refusal that is in the log, or about to be, under the key and fingerprint of the request. */
function isRemembered(planned: Planned, course: Course): boolean {
  return isRefused(planned, course) && (planned.kind === 'appended' || planned.answer.position !== null);
}

function answer(work: BatchToDecide, course: Course, keyed: KeyedSubmission, at: number): Planned {
  const request = keyed.submission.requests[at];
  if (request === undefined) throw new Error('a submission has fewer requests than it has keys');
  const { idempotencyKey: key } = request;
  const first = key === null ? undefined : course.firstUse.get(key);
  if (first !== undefined) return answerAgain(request, first);
  const earlier = key === null ? undefined : work.stored.get(key);
  if (earlier !== undefined) {
    const asked = { submission: keyed.submission, request };
    return { kind: 'known', answer: answerFromLog(course.state, asked, earlier) };
  }
  return answerAnew(work, course, { keyed, request, keyHash: keyed.keyHashes[at] ?? null });
}

function answerAgain(request: Request, first: FirstUse): Planned {
  const same = first.request.canonicalRequest === request.canonicalRequest;
  if (same) return { kind: 'appended', index: first.index, replayed: true };
  return known({ kind: 'refused', refusal: keyReusedBy(first.request.command, request.command) });
}

function answerAnew(
  work: BatchToDecide,
  course: Course,
  asked: { keyed: KeyedSubmission; request: Request; keyHash: Buffer | null },
): Planned {
  const { keyed, request, keyHash } = asked;
  const { state, events, touched, firstUse } = course;
  const context = work.contextFor(work.occurredAt);
  const decision = decide(state, request.command, context);
  if (decision.kind !== 'events') return known(decision);
  const last = decision.events.at(-1);
  for (const event of decision.events) {
    const entries = evolveWithEntries(state, { ...event, occurredAt: work.occurredAt });
    for (const entry of entries) touched.add(entry.walletId);
    if (isAboutWallet(event)) touched.add(event.data.walletId);
    const carriesKey = event === last && request.idempotencyKey !== null && keyHash !== null;
    const key = carriesKey
      ? {
          text: request.idempotencyKey,
          hash: keyHash,
          fingerprint: fingerprint(request.canonicalRequest, context.saltUsed()),
        }
      : null;
    events.push({ event, entries, actor: request.actor, correlationId: request.correlationId, key });
    keyed.submission.attemptedEventIds.push(event.id);
  }
  const index = events.length - 1;
  if (request.idempotencyKey !== null) firstUse.set(request.idempotencyKey, { request, index });
  return { kind: 'appended', index, replayed: false };
}

/** In the order of their ids, so that whoever inserts wallets does it in the same order. */
function walletsOf(state: LedgerState, ids: ReadonlySet<string>): WalletState[] {
  return [...ids].sort().map((id) => {
    const wallet = state.wallets.get(id);
    if (wallet === undefined) throw new Error(`wallet ${id} was touched but is not in the state`);
    return wallet;
  });
}

/** Each once. */
function lotsTouched(state: LedgerState, events: readonly PreparedEvent[]): Lot[] {
  const touched = new Map<string, Lot>();
  for (const { event } of events) {
    for (const { walletId, lotId } of lotChangesOf(event)) {
      const lot = state.lots.get(walletId)?.find((candidate) => candidate.lotId === lotId);
      if (lot === undefined) throw new Error(`lot ${lotId} was touched but is not in the state`);
      touched.set(lotId, lot);
    }
  }
  return [...touched.values()];
}

function known(outcome: Answer['outcome']): Planned {
  return { kind: 'known', answer: { outcome, position: null, replayed: false } };
}
