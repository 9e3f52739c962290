import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseRate, worthAt } from '../../dashboard/src/lib/rate.ts';
import { exchanged, fractionOfRate, inLowestTerms, isRate } from '../../src/rate.ts';

function parsed(text: string, fromScale: number, toScale: number): string {
  const result = parseRate(text, fromScale, toScale);
  return 'fault' in result ? result.fault : result.rate;
}

test('a rate of whole units becomes one of minor units, by its digits alone', () => {
  assert.equal(parsed('2.5', 2, 0), '0.025');
  assert.equal(parsed('0.25', 0, 2), '25');
  assert.equal(parsed('0.255', 0, 2), '25.5');
  assert.equal(parsed('1.10', 2, 2), '1.1');
  assert.equal(parsed('3', 0, 18), '3000000000000000000');
  assert.equal(parsed('3', 18, 0), '0.000000000000000003');
  assert.equal(parsed(' 1 000 ', 2, 2), '1000');
});

test('what is no rate is refused and never rounded', () => {
  for (const text of ['', '-1', '1,5', '1e3', '.5', '5.', '0', '0.00', 'two', '9'.repeat(39)]) {
    assert.ok('fault' in parseRate(text, 2, 2), text);
  }
  assert.ok('fault' in parseRate('0.1', 18, 0));
  assert.ok('fault' in parseRate(`0.${'0'.repeat(18)}1`, 2, 2));
  assert.ok('fault' in parseRate('9'.repeat(21), 0, 18));
});

test('a rate is exactly what was typed, the service takes it, and both make the same of an amount', () => {
  const scale = fc.integer({ min: 0, max: 18 });
  const digits = fc.bigInt({ min: 1n, max: 10n ** 24n });
  fc.assert(
    fc.property(digits, scale, scale, scale, digits, (typed, decimals, fromScale, toScale, amount) => {
      const all = typed.toString().padStart(decimals + 1, '0');
      const text =
        decimals === 0 ? all : `${all.slice(0, all.length - decimals)}.${all.slice(all.length - decimals)}`;
      const result = parseRate(text, fromScale, toScale);
      if ('fault' in result) return;
      assert.ok(isRate(result.rate), result.rate);
      const fraction = fractionOfRate(result.rate);
      const meant = inLowestTerms({
        numerator: typed * 10n ** BigInt(toScale),
        denominator: 10n ** BigInt(decimals + fromScale),
      });
      assert.deepEqual(fraction, meant);
      assert.equal(worthAt(amount.toString(), result.rate), exchanged(amount, fraction));
    }),
  );
});
