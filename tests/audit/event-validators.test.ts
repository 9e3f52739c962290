/** The compiled validators, and the patterns before them, take what the catalog's schemas take, and nothing else. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readFact } from '../../src/audit/fold/event-validators.ts';
import { readUsual } from '../../src/audit/fold/usual-events.ts';
import { canonicalJson } from '../../src/events/canonical.ts';
import { isEventType } from '../../src/events/catalog.ts';
import { upcast } from '../../src/events/upcast.ts';
import { samples } from '../events/samples.ts';

type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

const REPLACEMENTS: readonly Json[] = [
  ...[null, 0, 1.5, true, '', '0', '-1', '01', '1e3', 'x', [], {}],
  ...['2026-01-01T00:00:00Z', '2026-01-01T00:00:00.000Z', '01998a6e-7c00-7000-8000-00000000a001'],
  ...['9'.repeat(38), '9'.repeat(39), 'f'.repeat(64)],
];

/** The value with one thing changed, in every place and every way. */
function* mutations(value: Json): Generator<Json> {
  yield* REPLACEMENTS;
  if (Array.isArray(value)) {
    yield [...value, ...value];
    for (const [index, item] of value.entries())
      for (const other of mutations(item)) yield value.with(index, other);
  } else if (typeof value === 'object' && value !== null) {
    yield { ...value, unheardOf: 'x' };
    for (const [name, member] of Object.entries(value)) {
      const { [name]: _, ...rest } = value;
      yield rest;
      for (const other of mutations(member)) yield { ...value, [name]: other };
    }
  }
}

/** Types of which a pattern took something. */
const usual = new Set<string>();

function accepts(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch {
    return false;
  }
}

describe('An event', () => {
  for (const { name, type, version, data } of samples) {
    test(`${type}, ${name}, is read alike, and so is what is almost one`, () => {
      const stored = { type, version, text: canonicalJson(data) };
      assert.deepEqual(readFact(stored), { fact: upcast({ type, version, data }), data });
      let refused = 0;
      for (const changed of mutations(data as Json)) {
        const zod = accepts(() => upcast({ type, version, data: structuredClone(changed) }));
        const text = canonicalJson(changed);
        // Right where a pattern takes the text, and where its spaces keep all patterns from it.
        for (const spelled of [text, JSON.stringify(changed, null, 1)]) {
          assert.equal(
            accepts(() => readFact({ type, version, text: spelled })),
            zod,
            spelled,
          );
        }
        if (!zod) refused += 1;
        const read = isEventType(type) ? readUsual(type, text) : null;
        if (read === null) continue;
        assert.deepEqual(read, changed);
        usual.add(type);
      }
      assert.ok(refused > 20);
    });
  }

  test('of most kinds is told by a pattern', () => {
    const holds = ['hold.placed', 'hold.captured', 'hold.released', 'hold.expired'];
    const wanted = [
      'transaction.posted',
      'transaction.rejected',
      ...holds,
      'wallet.opened',
      'user.registered',
    ];
    assert.deepEqual([...usual].sort(), wanted.sort());
  });
});
