/** A column of figures holds any of them exactly, as an array of BigInts would. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createExactColumn, readColumn } from '../../src/audit/fold/exact-column.ts';

const edges = [0n, 1n, 2n ** 53n, 2n ** 63n - 1n, 2n ** 63n, 10n ** 38n - 1n].flatMap((edge) => [
  ...[edge - 1n, edge, edge + 1n, -edge - 1n, -edge, -edge + 1n],
]);
const figures = fc.oneof(
  fc.constantFrom(...edges),
  fc.bigInt({ min: -(10n ** 38n), max: 10n ** 38n }),
  fc.constant(null),
);
const writes = fc.array(fc.tuple(fc.nat(3_000), figures), { maxLength: 200 });

test('what was set last is what is read, here and where it was handed to', () => {
  fc.assert(
    fc.property(writes, (all) => {
      const column = createExactColumn();
      const expected = new Map<number, bigint | null>();
      for (const [place, value] of all) {
        column.set(place, value);
        expected.set(place, value);
      }
      const handed = readColumn(structuredClone(column.packed(3_001)));
      for (let place = 0; place <= 3_000; place += 1) {
        const value = expected.get(place) ?? null;
        assert.equal(column.get(place), value);
        assert.equal(column.figure(place), value ?? 0n);
        assert.equal(handed(place), value);
      }
    }),
  );
});
