import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { MAX_AMOUNT, faultOfAmount, isAmount, isAmountOrZero, isInRange } from '../src/money.ts';

const LARGEST = '9'.repeat(38);

const good = ['1', '9', '10', '100', '9007199254740993', `1${'0'.repeat(37)}`, LARGEST];

/** What is wrong, and what the sender is told about it. */
const bad: [text: string, fault: RegExp][] = [
  ['', /must not be empty/],
  ['-5', /sign/],
  ['+5', /sign/],
  ['-0', /sign/],
  ['-', /sign/],
  ['-1e3', /sign/],
  ['1e3', /exponent/],
  ['1E3', /exponent/],
  ['1e+3', /exponent/],
  ['1.5e-3', /exponent/],
  ['1.0', /decimal point/],
  ['1.', /decimal point/],
  ['.5', /decimal point/],
  ['0.0', /decimal point/],
  ['1,5', /decimal point/],
  ['007', /leading zeros/],
  ['00', /leading zeros/],
  [`0${LARGEST}`, /leading zeros/],
  [`1${'0'.repeat(38)}`, /at most 38 digits/],
  ['9'.repeat(1_000), /at most 38 digits/],
  [' 1', /string of digits/],
  ['1 ', /string of digits/],
  ['1\n', /string of digits/],
  ['1\u00a0000', /string of digits/],
  ['1_000', /string of digits/],
  ["1'000", /string of digits/],
  ['1,000,000', /string of digits/],
  ['0x10', /string of digits/],
  ['0b1', /string of digits/],
  ['0o7', /string of digits/],
  ['10n', /string of digits/],
  ['\u0661', /string of digits/],
  ['\uff11', /string of digits/],
  ['\u00b2', /string of digits/],
  ['Infinity', /string of digits/],
  ['NaN', /string of digits/],
  ['ten', /string of digits/],
  ['\u2212 5', /string of digits/],
  ['1\u0000', /string of digits/],
];

describe('An amount', () => {
  for (const text of good) {
    test(`may be ${text}`, () => {
      assert.equal(isAmount(text), true);
      assert.equal(isAmountOrZero(text), true);
      assert.equal(faultOfAmount(text, { zeroAllowed: false }), null);
      assert.equal(faultOfAmount(text, { zeroAllowed: true }), null);
    });
  }

  for (const [text, fault] of bad) {
    test(`must not be ${JSON.stringify(text.length > 50 ? `${text.slice(0, 50)}...` : text)}, and the fault says why`, () => {
      assert.equal(isAmount(text), false);
      assert.equal(isAmountOrZero(text), false);
      assert.match(faultOfAmount(text, { zeroAllowed: false }) ?? '', fault);
      assert.match(faultOfAmount(text, { zeroAllowed: true }) ?? '', fault);
    });
  }

  test('may be zero only where zero is allowed', () => {
    assert.equal(isAmount('0'), false);
    assert.equal(isAmountOrZero('0'), true);
    assert.equal(faultOfAmount('0', { zeroAllowed: true }), null);
    assert.equal(faultOfAmount('0', { zeroAllowed: false }), 'must be more than 0');
  });

  test('has at most 38 digits: the largest one is MAX_AMOUNT', () => {
    assert.equal(BigInt(LARGEST), MAX_AMOUNT);
    assert.equal(isAmount((MAX_AMOUNT + 1n).toString()), false);
  });
});

describe('For every text', () => {
  const almost = fc.string({
    unit: fc.constantFrom(...Array.from('0123456789+-.,eE_x \u0661n')),
    maxLength: 45,
  });
  const any = fc.oneof(
    almost,
    fc.string({ unit: 'binary' }),
    fc.bigInt().map(String),
    fc.double().map(String),
  );

  test('one that is accepted is what BigInt makes of it, written back', () => {
    fc.assert(
      fc.property(any, (text) => {
        if (!isAmountOrZero(text)) return;
        assert.equal(BigInt(text).toString(), text);
        assert.ok(BigInt(text) >= 0n && BigInt(text) <= MAX_AMOUNT);
      }),
      { numRuns: 2_000 },
    );
  });

  test('a fault is found exactly when it is not accepted', () => {
    fc.assert(
      fc.property(any, (text) => {
        assert.equal(faultOfAmount(text, { zeroAllowed: false }) === null, isAmount(text));
        assert.equal(faultOfAmount(text, { zeroAllowed: true }) === null, isAmountOrZero(text));
      }),
      { numRuns: 2_000 },
    );
  });

  test('every whole number from 1 to 38 digits is accepted', () => {
    fc.assert(
      fc.property(fc.bigInt(1n, MAX_AMOUNT), (amount) => {
        assert.equal(isAmount(amount.toString()), true);
      }),
    );
  });
});

describe('A balance', () => {
  test('has at most 38 digits in either direction', () => {
    for (const balance of [0n, 1n, -1n, MAX_AMOUNT, -MAX_AMOUNT])
      assert.equal(isInRange(balance), true, `${balance}`);
    for (const balance of [MAX_AMOUNT + 1n, -MAX_AMOUNT - 1n])
      assert.equal(isInRange(balance), false, `${balance}`);
  });
});
