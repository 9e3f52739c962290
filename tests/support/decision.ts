/** given these events, when this command comes, then these events follow, or this refusal. Nothing else is involved. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { decide } from '../../src/commands/decide.ts';
import type { Decision, DecisionContext } from '../../src/commands/decision.ts';
import type { Command } from '../../src/commands/schemas.ts';
import type { RecordedRefusalCode, UnrecordedRefusalCode } from '../../src/errors.ts';
import type { Fact, NewEvent } from '../../src/events/catalog.ts';
import { NOON, stateAfter, uuid, type Happening } from '../events/facts.ts';

export const SALT = new Uint8Array(16).fill(7);

/** The n-th id that a command draws. */
export function drawn(n: number): string {
  return uuid('f', n);
}

export function digestOf(value: string): string {
  return createHmac('sha256', SALT).update(value).digest('hex');
}

/** Time, ids and digests as a decision is handed them, without chance: ids are counted from `firstId`. */
export function contextFrom(
  firstId = 1,
  occurredAt = NOON,
): DecisionContext & { readonly idsDrawn: () => number } {
  let next = firstId;
  return {
    occurredAt,
    nextId: () => {
      next += 1;
      return drawn(next - 1);
    },
    protect: (value) => ({ digest: digestOf(value), salt: SALT }),
    idsDrawn: () => next - firstId,
  };
}

export type Decided = {
  /** Exactly these events, in this order. */
  thenEvents(...expected: Fact[]): readonly NewEvent[];
  /** One recorded refusal with these figures, after the wallets it had to open. */
  thenDeclined(
    code: RecordedRefusalCode,
    figures: Record<string, string | readonly string[]>,
    opened?: readonly Fact[],
  ): void;
  /** No event at all. */
  thenRefused(code: UnrecordedRefusalCode, figures?: Record<string, string>): void;
};

export function given(...events: Happening[]): { when(command: Command): Decided } {
  return { when: (command) => decided(decideWithoutSideEffect(events, command), command) };
}

function decideWithoutSideEffect(events: readonly Happening[], command: Command): Decision {
  const state = stateAfter(events);
  const decision = decide(state, command, contextFrom());
  assert.deepEqual(state, stateAfter(events), 'a decision changes no state');
  return decision;
}

function decided(decision: Decision, command: Command): Decided {
  function eventsOf(): readonly NewEvent[] {
    assert.equal(decision.kind, 'events', JSON.stringify(decision));
    return decision.kind === 'events' ? decision.events : [];
  }
  return {
    thenEvents(...expected) {
      const events = eventsOf();
      assert.deepEqual(events.map(factOf), expected.map(factOf));
      assert.equal(
        new Set(events.map(({ id }) => id)).size,
        events.length,
        'each event has an id of its own',
      );
      return events;
    },
    thenDeclined(code, figures, opened = []) {
      const events = eventsOf();
      assert.deepEqual(events.slice(0, -1).map(factOf), opened.map(factOf));
      const last = events.at(-1);
      assert.ok(last?.type === 'transaction.rejected', `the last event is ${last?.type}`);
      assert.equal(last.data.code, code);
      assert.deepEqual(last.data.figures, figures);
      assert.match(last.data.detail, /^[A-Z].*\.$/);
      assert.equal(last.data.type, command.kind);
    },
    thenRefused(code, figures = {}) {
      assert.ok(decision.kind === 'refused', JSON.stringify(decision));
      assert.equal(decision.refusal.code, code);
      assert.deepEqual(decision.refusal.figures, figures);
      assert.match(decision.refusal.detail, /^[A-Z].*\.$/);
    },
  };
}

function factOf({ type, version, data }: Fact): Pick<Fact, 'type' | 'version' | 'data'> {
  return { type, version, data };
}
