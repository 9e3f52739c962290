/** The event is the stored response: what is read back from its canonical bytes must answer with equal bytes. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { decide } from '../../src/commands/decide.ts';
import type { Command } from '../../src/commands/schemas.ts';
import { canonicalJson } from '../../src/events/canonical.ts';
import { outcomeOf, type Outcome, type Placed } from '../../src/events/outcome.ts';
import { upcast } from '../../src/events/upcast.ts';
import { play } from '../commands/random-ledger.ts';
import { histories } from '../commands/random-steps.ts';
import { contextFrom } from '../support/decision.ts';
import { NOON, alice, funded, gold, issued, registered, stateAfter, type Happening } from './facts.ts';

const state = stateAfter([registered(alice), ...issued(gold), ...funded(alice, gold, '100')]);

/** Names as clients may send them: also such that engines would sort as integers, or that objects have already. */
const name = fc
  .oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 6 }),
    fc.nat().map(String),
    fc.constantFrom(
      '0',
      '00',
      '-1',
      '4294967295',
      '4294967294',
      '1e3',
      'constructor',
      'toString',
      'length',
      'é',
      'e\u0301',
    ),
  )
  .filter((text) => text !== '__proto__');

const metadata = fc
  .uniqueArray(fc.tuple(name, fc.string({ unit: 'binary', maxLength: 8 })), {
    selector: ([key]) => key,
    maxLength: 50,
  })
  .map((pairs) => Object.fromEntries(pairs));

/** Some of the pairs are personal, named in any order. */
const sent = metadata.chain((pairs) =>
  fc.record({ metadata: fc.constant(pairs), personalMetadata: fc.shuffledSubarray(Object.keys(pairs)) }),
);

describe('The first answer and its replay from the log', () => {
  for (const amount of ['30', '500']) {
    test(`are equal bytes whatever the metadata (a spend of ${amount} out of 100)`, () => {
      fc.assert(
        fc.property(sent, (fields) => {
          const { first, replayed } = answersTo({
            kind: 'spend',
            userId: alice.id,
            assetSlug: 'gold',
            amount,
            ...fields,
          });
          assert.equal(JSON.stringify(replayed), JSON.stringify(first));
          assert.equal(first.kind, amount === '30' ? 'accepted' : 'refused');
        }),
        { numRuns: 500 },
      );
    });
  }

  test('show the metadata that was sent, all of it and nothing else', () => {
    fc.assert(
      fc.property(sent, (fields) => {
        const { replayed } = answersTo({
          kind: 'spend',
          userId: alice.id,
          assetSlug: 'gold',
          amount: '1',
          ...fields,
        });
        assert.ok(replayed.kind === 'accepted');
        assert.deepEqual(replayed.body['metadata'], fields.metadata);
      }),
    );
  });

  test('are equal bytes for every answer of every history', () => {
    fc.assert(
      fc.property(histories, (steps) => {
        const written = new Map<string, string>();
        for (const { event } of play(steps)) {
          if (event.type === 'wallet.opened') continue;
          for (const { field, value } of event.personal ?? []) written.set(field, value);
          const first = outcomeOf(placed(event, written));
          assert.notEqual(first.kind, 'erased');
          assert.equal(JSON.stringify(outcomeOf(readBack(placed(event, written)))), JSON.stringify(first));
        }
      }),
      { numRuns: 200 },
    );
  });
});

function answersTo(command: Command): { first: Outcome; replayed: Outcome } {
  const decision = decide(state, command, contextFrom());
  assert.ok(decision.kind === 'events');
  const event = placed({ ...decision.events.at(-1)!, occurredAt: NOON });
  return { first: outcomeOf(event), replayed: outcomeOf(readBack(event)) };
}

/** `earlier`: what stands beside the log already, of what else the event may show. */
function placed(
  event: Happening & { readonly id?: string },
  earlier: ReadonlyMap<string, string> = new Map(),
): Placed {
  const own = (event.personal ?? []).map(({ field, value }): [string, string] => [field, value]);
  const values = new Map([...earlier, ...own]);
  // The e-mail of a user whose status changes comes from the table beside the log.
  if (event.type === 'user.status_changed') values.set('email', alice.email);
  return { ...event, id: event.id ?? '', position: 42n, recordedAt: NOON, personal: values };
}

/** The event as it comes back from the log: through its canonical bytes and its schema. */
function readBack(event: Placed): Placed {
  const data = JSON.parse(canonicalJson(event.data)) as unknown;
  return { ...event, ...upcast({ type: event.type, version: event.version, data }) };
}
