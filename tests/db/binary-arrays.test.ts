/** Arrays as the server reads them: what goes in comes out, whatever it is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { byteaArray, int2Array, int8Array, textArray, uuidArray } from '../../src/db/binary-arrays.ts';
import { useAuditPool } from '../support/audit-pool.ts';

const { pool } = useAuditPool();

/** As JSON, in which the driver has no say. */
async function readBack(array: Buffer, type: string): Promise<unknown[]> {
  const spelled = type === 'bytea' ? "encode(x, 'hex')" : 'x::text';
  const { rows } = await pool().query<{ found: string }>(
    `select coalesce(json_agg(${spelled} order by ordinal), '[]')::text as found from unnest($1::${type}[]) with ordinality as a (x, ordinal)`,
    [array],
  );
  return JSON.parse(rows[0]?.found ?? '') as unknown[];
}

function holds<Value>(
  type: string,
  values: fc.Arbitrary<Value>,
  how: { encode: (values: Value[]) => Buffer; spell: (value: Value) => string | null },
): void {
  test(`${type}[]`, async () => {
    assert.deepEqual(await readBack(how.encode([]), type), []);
    await fc.assert(
      fc.asyncProperty(fc.array(values, { maxLength: 40 }), async (list) => {
        assert.deepEqual(await readBack(how.encode(list), type), list.map(how.spell));
      }),
      { numRuns: 60 },
    );
  });
}

const hex = fc.constantFrom(...'0123456789abcdefABCDEF'.split(''));
const uuid = fc
  .array(hex, { minLength: 32, maxLength: 32 })
  .map((digits) => digits.join('').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'));

holds('uuid', fc.option(uuid), { encode: uuidArray, spell: (id) => id?.toLowerCase() ?? null });
holds('bigint', fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), { encode: int8Array, spell: String });
holds('smallint', fc.integer({ min: -32_768, max: 32_767 }), { encode: int2Array, spell: String });
holds('text', fc.option(fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\0', ''))), {
  encode: textArray,
  spell: (text) => text,
});
holds('bytea', fc.option(fc.uint8Array()), {
  encode: byteaArray,
  spell: (bytes) => (bytes === null ? null : Buffer.from(bytes).toString('hex')),
});

test('what is no UUID is refused before anything is sent', () => {
  const good = '0199c5a1-1111-7abc-8def-0123456789ab';
  for (const bad of [
    '',
    good.slice(1),
    `${good}0`,
    good.replace('a', 'g'),
    good.replace('a', 'é'),
    good.replace('a', '٣'),
  ])
    assert.throws(() => uuidArray([good, bad]), TypeError, bad);
});

test('what 64 bits do not hold is refused before anything is sent', () => {
  for (const bad of [2n ** 63n, -(2n ** 63n) - 1n, 2n ** 64n + 5n])
    assert.throws(() => int8Array([0n, bad]), RangeError);
});
