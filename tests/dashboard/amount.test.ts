import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatAmount, heights, parseAmount } from '../../dashboard/src/lib/amount.ts';

function parsed(text: string, scale: number): string {
  const result = parseAmount(text, scale);
  return 'fault' in result ? result.fault : result.amount;
}

test('what is typed becomes minor units, by its digits alone', () => {
  assert.equal(parsed('12.34', 2), '1234');
  assert.equal(parsed('12', 2), '1200');
  assert.equal(parsed('0.05', 2), '5');
  assert.equal(parsed(' 1 000.5 ', 2), '100050');
  assert.equal(parsed('0.1', 18), '100000000000000000');
  assert.equal(parsed('90071992547409931', 0), '90071992547409931');
  assert.equal(parsed('000000000000000000000000000000000000000001', 0), '1');
});

test('what is no amount of the asset is refused and never rounded', () => {
  for (const [text, scale] of [
    ['', 2],
    ['12.345', 2],
    ['1.0', 0],
    ['1,5', 2],
    ['-1', 2],
    ['+1', 2],
    ['1e3', 2],
    ['.5', 2],
    ['5.', 2],
    ['0', 2],
    ['0.00', 2],
    ['twelve', 2],
    ['٣', 0],
    ['9'.repeat(39), 0],
    [`${'9'.repeat(37)}.99`, 2],
  ] as const) {
    assert.ok('fault' in parseAmount(text, scale), `${text} at ${scale}`);
  }
});

test('what is shown and typed again is the same amount', () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: 1n, max: 10n ** 38n - 1n }),
      fc.integer({ min: 0, max: 18 }),
      (amount, scale) => {
        assert.equal(parsed(formatAmount(amount, scale), scale), amount.toString());
      },
    ),
  );
});

test('amounts below zero have a minus, and digits stand in groups', () => {
  assert.equal(formatAmount('-1234567', 2), '−12\u202f345.67');
  assert.equal(formatAmount('-5', 2), '−0.05');
  assert.equal(formatAmount('0', 0), '0');
});

test('a line is drawn between the least and the greatest, whatever their size', () => {
  assert.deepEqual(heights(['0', '50', '100']), [0, 0.5, 1]);
  assert.deepEqual(heights([`-${'9'.repeat(38)}`, '9'.repeat(38)]), [0, 1]);
  assert.deepEqual(heights(['7', '7']), [0.5, 0.5]);
  assert.deepEqual(heights([]), []);
});
