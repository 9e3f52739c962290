// Makes up what happened in a ledger: requests are decided and folded by the service's own rules, one after the other,
// as if each had come alone. Nothing here touches a database.

import { createHmac } from 'node:crypto';
import { fingerprint } from '../../src/commands/idempotency.ts';
import { decide } from '../../src/commands/decide.ts';
import type { DecisionContext } from '../../src/commands/decision.ts';
import type { PreparedEvent } from '../../src/events/append.ts';
import { canonicalJson } from '../../src/events/canonical.ts';
import { evolveWithEntries } from '../../src/events/evolve.ts';
import { keyHash } from '../../src/events/key-hash.ts';
import { emptyState, type LedgerState } from '../../src/events/state.ts';
import { createRandom, type Random } from './random.ts';
import type { Asked, World } from './requests.ts';
import { createWorkload } from './workload.ts';

/** Between two commands up to so long, in milliseconds. */
const MAX_STEP_MS = 8;
/** Until an event is recorded, up to so long after it was decided. */
const MAX_DELAY_MS = 2;
const SALT_BYTES = 16;

export type WrittenEvent = PreparedEvent & {
  readonly position: number;
  readonly occurredAt: string;
  readonly recordedAt: string;
};

export type History = {
  /** Lasts over all events; complete after the last one. */
  readonly state: LedgerState;
  /** The events of the next command; none after the last. */
  next(): readonly WrittenEvent[];
};

export type HistoryOptions = {
  readonly events: number;
  readonly seed: number;
  readonly startMs: number;
  /** Keys as UUIDv4, which land anywhere in the index, instead of such that start with the time. */
  readonly randomKeys: boolean;
  /** Of 100 requests so many are of one user's wallet, see World; 0 unless given. */
  readonly busyPercent?: number | undefined;
};

/** No event is recorded later than this. */
export function latestEnd({ startMs, events }: { startMs: number; events: number }): number {
  return startMs + events * (MAX_STEP_MS + MAX_DELAY_MS);
}

export function createHistory(options: HistoryOptions): History {
  const random = createRandom(options.seed);
  const busyPercent = options.busyPercent ?? 0;
  const world: World = { random, state: emptyState(), userIds: [], orders: 0, busyPercent };
  const { state } = world;
  const workload = createWorkload(world, options.events);
  let written = 0;
  let nowMs = options.startMs;

  function decideNext() {
    nowMs += random.below(MAX_STEP_MS + 1);
    const occurredAt = new Date(nowMs).toISOString();
    const left = options.events - written;
    const at = { nowMs, occurredAt };
    const first = decided(state, workload.next(written, occurredAt), createContext(random, at));
    const fits = first.events.length + workload.expiringCount() + (placesExpiring(first) ? 1 : 0) <= left;
    const made = fits ? first : decided(state, workload.single(), createContext(random, at));
    return { ...made, occurredAt };
  }

  return {
    state,
    next() {
      if (written >= options.events) return [];
      const { asked, events, context, occurredAt } = decideNext();
      const keyText = options.randomKeys ? random.uuid() : random.uuidAt(nowMs);
      const isOwn = asked.command.kind === 'hold.expire';
      const correlationId = isOwn ? null : random.uuid();
      nowMs += random.below(MAX_DELAY_MS + 1);
      const recordedAt = new Date(nowMs).toISOString();
      return events.map((event, index) => {
        const entries = evolveWithEntries(state, { ...event, occurredAt });
        workload.note(event);
        written += 1;
        const key = isOwn || index < events.length - 1 ? null : keyOf(keyText, asked, context.saltUsed());
        const actor = isOwn ? 'worker' : 'fill';
        return { event, entries, actor, correlationId, key, position: written, occurredAt, recordedAt };
      });
    },
  };
}

type Context = DecisionContext & { readonly saltUsed: () => Uint8Array | null };

/** As src/commands/decision-context.ts, with time and chance of its own. */
function createContext(
  random: Random,
  { nowMs, occurredAt }: { nowMs: number; occurredAt: string },
): Context {
  let salt: Buffer | null = null;
  return {
    occurredAt,
    nextId: () => random.uuidAt(nowMs),
    protect(value) {
      salt ??= random.bytes(SALT_BYTES);
      return { digest: createHmac('sha256', salt).update(value).digest('hex'), salt };
    },
    saltUsed: () => salt,
  };
}

function decided(state: LedgerState, asked: Asked, context: Context) {
  const decision = decide(state, asked.command, context);
  if (decision.kind === 'events') return { asked, events: decision.events, context };
  throw new Error(`${asked.command.kind} led to no event: ${canonicalJson(decision)}`);
}

function placesExpiring({ events }: ReturnType<typeof decided>): boolean {
  return events.some((event) => event.type === 'hold.placed' && event.data.hold.expiresAt !== null);
}

function keyOf(text: string, { command, params, body }: Asked, salt: Uint8Array | null) {
  const canonicalRequest = canonicalJson({ body, command: command.kind, params });
  return { text, hash: keyHash(text), fingerprint: fingerprint(canonicalRequest, salt) };
}
