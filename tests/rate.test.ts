import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { MAX_AMOUNT } from '../src/money.ts';
import { exchanged, faultOfRate, fractionOfRate, inLowestTerms, isRate } from '../src/rate.ts';

const TINY = `0.${'0'.repeat(17)}1`;
const LONGEST = `${'9'.repeat(20)}.${'9'.repeat(18)}`;

const good: [rate: string, numerator: bigint, denominator: bigint][] = [
  ['1', 1n, 1n],
  ['10', 10n, 1n],
  ['0.25', 1n, 4n],
  ['0.250', 1n, 4n],
  ['1.5', 3n, 2n],
  ['1.0', 1n, 1n],
  ['0.1', 1n, 10n],
  ['0.333333333333333333', 333333333333333333n, 10n ** 18n],
  [TINY, 1n, 10n ** 18n],
  [LONGEST, 10n ** 38n - 1n, 10n ** 18n],
  ['9'.repeat(38), MAX_AMOUNT, 1n],
];

const bad: [text: string, fault: RegExp][] = [
  ['', /must not be empty/],
  ['-0.5', /sign/],
  ['+1', /sign/],
  ['-0', /sign/],
  ['1e3', /exponent/],
  ['1.5E-3', /exponent/],
  ['0,25', /comma/],
  ['0', /more than 0/],
  ['0.0', /more than 0/],
  ['00.000', /more than 0/],
  [`0.${'0'.repeat(30)}`, /more than 0/],
  ['01', /leading zeros/],
  ['00.5', /leading zeros/],
  ['.5', /both sides/],
  ['5.', /both sides/],
  [`${TINY}1`, /18 digits after the point/],
  [`9${LONGEST}`, /38 digits in all/],
  [`1${'0'.repeat(38)}`, /38 digits in all/],
  ['1.2.3', /exact decimal/],
  ['1/4', /exact decimal/],
  [' 1', /exact decimal/],
  ['1\n', /exact decimal/],
  ['\u0661', /exact decimal/],
  ['Infinity', /exact decimal/],
  ['0x1', /exact decimal/],
  ['1_0', /exact decimal/],
];

describe('A rate', () => {
  for (const [rate, numerator, denominator] of good) {
    test(`may be ${rate}, and is ${numerator}/${denominator}`, () => {
      assert.equal(isRate(rate), true);
      assert.equal(faultOfRate(rate), null);
      assert.deepEqual(fractionOfRate(rate), { numerator, denominator });
    });
  }

  for (const [text, fault] of bad) {
    test(`may not be ${JSON.stringify(text)}`, () => {
      assert.equal(isRate(text), false);
      assert.match(faultOfRate(text) ?? '', fault);
    });
  }
});

const amount = fc.oneof(fc.bigInt(1n, 1_000n), fc.bigInt(1n, MAX_AMOUNT));
const fraction = fc.record({ numerator: amount, denominator: amount }).map(inLowestTerms);

test('what an amount comes to is the most that is not more than it is worth', () => {
  fc.assert(
    fc.property(amount, fraction, (of, rate) => {
      const result = exchanged(of, rate);
      const worth = of * rate.numerator;
      assert.ok(result * rate.denominator <= worth && worth < (result + 1n) * rate.denominator);
    }),
    { numRuns: 1_000 },
  );
});

test('there and back at reciprocal rates nothing is won, and less is lost than the way back gives for one', () => {
  fc.assert(
    fc.property(amount, fraction, (of, { numerator, denominator }) => {
      const there = exchanged(of, { numerator, denominator });
      const back = exchanged(there, { numerator: denominator, denominator: numerator });
      assert.ok(back <= of);
      assert.ok((of - back - 1n) * numerator < denominator);
    }),
    { numRuns: 1_000 },
  );
});

test('lowest terms are the same fraction, and cannot be reduced', () => {
  fc.assert(
    fc.property(amount, amount, amount, (numerator, denominator, factor) => {
      const reduced = inLowestTerms({ numerator, denominator });
      assert.equal(reduced.numerator * denominator, reduced.denominator * numerator);
      assert.deepEqual(
        inLowestTerms({ numerator: numerator * factor, denominator: denominator * factor }),
        reduced,
      );
    }),
  );
});
