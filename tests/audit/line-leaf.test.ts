/** A leaf that is made right out of a line's bytes is the one that its values give, or none. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { eventLine, parseEventLine } from '../../src/audit/export/event-line.ts';
import { createLineReader } from '../../src/audit/export/line-leaf.ts';
import { encodeLeaf, type Leaf } from '../../src/audit/tree/leaf.ts';
import { framedLeafHash, leafHash } from '../../src/audit/tree/merkle.ts';
import { currentVersion } from '../../src/events/catalog.ts';

const times = fc
  .date({ min: new Date('1999-01-01'), max: new Date('2399-01-01'), noInvalidDate: true })
  .map((date) => date.toISOString());
const usualText = fc.stringMatching(/^[ !#-[\]-~]{0,40}$/);
const anyText = fc.string({ unit: 'binary', maxLength: 20 }).filter((text) => text.isWellFormed());
const text = fc.oneof({ weight: 40, arbitrary: usualText }, { weight: 1, arbitrary: anyText });

const leaves: fc.Arbitrary<Leaf> = fc.record({
  position: fc.oneof(
    { weight: 9, arbitrary: fc.bigInt(1n, 999_999_999n) },
    { weight: 1, arbitrary: fc.bigInt(1n, 2n ** 63n - 1n) },
  ),
  id: fc.uuid(),
  type: fc.oneof(fc.constantFrom(...Object.keys(currentVersion)), text),
  version: fc.oneof(
    { weight: 9, arbitrary: fc.integer({ min: 1, max: 9_999 }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 32_767 }) },
  ),
  idempotencyKey: fc.option(text),
  fingerprint: fc.option(fc.stringMatching(/^(?:[0-9a-f]{2}){1,40}$/)),
  actor: text,
  correlationId: fc.option(text),
  relatedId: fc.option(fc.uuid()),
  occurredAt: times,
  recordedAt: times,
  effectiveAt: fc.oneof({ weight: 9, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: times }),
  data: fc.json({ stringUnit: 'binary', maxDepth: 2 }).filter((json) => !json.includes('\n')),
});

/** The line behind other bytes and before others, as it lies in a chunk. */
function read(line: Buffer): ReturnType<ReturnType<typeof createLineReader>> {
  const chunk = Buffer.concat([Buffer.from('another}\n'), line, Buffer.from('\n{"position":"')]);
  return reader(chunk, 9, 9 + line.length);
}

const reader = createLineReader();

describe('A line of an export', () => {
  test('is the leaf that its values give, however it is read', () => {
    let usual = 0;
    fc.assert(
      fc.property(leaves, (leaf) => {
        const line = Buffer.from(eventLine(leaf).slice(0, -1));
        const found = read(line);
        if (found === null) return;
        usual += 1;
        const {
          fingerprint: _,
          actor: _a,
          correlationId: _c,
          relatedId: _r,
          effectiveAt: _e,
          ...logged
        } = leaf;
        assert.deepEqual(found.event, logged);
        assert.deepEqual(found.framed.subarray(1), encodeLeaf(leaf));
        assert.deepEqual(framedLeafHash(found.framed), leafHash(encodeLeaf(leaf)));
      }),
      { numRuns: 2_000 },
    );
    assert.ok(usual > 500, `${usual}`);
  });

  test('with bytes changed, cut out or put in is still that leaf, or not taken', () => {
    let taken = 0;
    const changes = fc.array(
      fc.record({ at: fc.nat(900), bytes: fc.uint8Array({ maxLength: 2 }), cut: fc.nat(2) }),
      { minLength: 1, maxLength: 2 },
    );
    fc.assert(
      fc.property(leaves, changes, (leaf, changed) => {
        let line = Buffer.from(eventLine(leaf).slice(0, -1));
        for (const { at, bytes, cut } of changed)
          line = Buffer.concat([line.subarray(0, at), bytes, line.subarray(at + cut)]);
        const found = line.includes(0x0a) ? null : read(line);
        if (found === null) return;
        taken += 1;
        const values = parseEventLine(line.toString('utf8'));
        const { position, type, version, idempotencyKey, occurredAt, recordedAt, data } = found.event;
        assert.deepEqual(
          { position, type, version, idempotencyKey, occurredAt, recordedAt, data },
          {
            ...{ position: values.position, type: values.type, version: values.version, data: values.data },
            ...{ idempotencyKey: values.idempotencyKey, occurredAt: values.occurredAt },
            recordedAt: values.recordedAt,
          },
        );
        // Bytes that are no UTF-8 are hashed as they are, and so are never the leaf of an event.
        if (Buffer.from(line.toString('utf8')).equals(line))
          assert.deepEqual(found.framed.subarray(1), encodeLeaf(values));
      }),
      { numRuns: 4_000 },
    );
    assert.ok(taken > 100, `${taken}`);
  });
});
