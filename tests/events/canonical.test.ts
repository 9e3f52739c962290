import assert from 'node:assert/strict';
import serialize from 'canonicalize';
import { describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { canonicalJson } from '../../src/events/canonical.ts';

describe('Canonical JSON (RFC 8785)', () => {
  test('has no white space and keeps the order of arrays', () => {
    assert.equal(
      canonicalJson({ b: ['2', '1'], a: { d: null, c: true } }),
      '{"a":{"c":true,"d":null},"b":["2","1"]}',
    );
  });

  test('sorts members by UTF-16 code units: the example of RFC 8785, section 3.2.3', () => {
    const members = {
      '\u20ac': 'Euro Sign',
      '\r': 'Carriage Return',
      '\ufb33': 'Hebrew Letter Dalet With Dagesh',
      '1': 'One',
      '\u{1f600}': 'Emoji: Grinning Face',
      '\u0080': 'Control',
      '\u00f6': 'Latin Small Letter O With Diaeresis',
    };
    const order = [...canonicalJson(members).matchAll(/:"([^"]*)"/g)].map(([, value]) => value);
    assert.deepEqual(order, [
      'Carriage Return',
      'One',
      'Control',
      'Latin Small Letter O With Diaeresis',
      'Euro Sign',
      'Emoji: Grinning Face',
      'Hebrew Letter Dalet With Dagesh',
    ]);
  });

  test('sorts names that look like integers as text, not as numbers', () => {
    assert.equal(
      canonicalJson({ '9': 'a', '10': 'b', '': 'c', '-1': 'd' }),
      '{"":"c","-1":"d","10":"b","9":"a"}',
    );
  });

  test('escapes only what must be: quotes, backslashes and control characters, the short way where there is one', () => {
    const text = '\u20ac$\u000f\nA\'B"\\\\"/\b\t\f\r\u007f\u2028';
    assert.equal(canonicalJson(text), `"\u20ac$\\u000f\\nA'B\\"\\\\\\\\\\"/\\b\\t\\f\\r\u007f\u2028"`);
  });

  test('does not normalize text: composed and decomposed letters stay different', () => {
    assert.notEqual(canonicalJson('\u00e9'), canonicalJson('e\u0301'));
  });

  test('leaves out members that are undefined', () => {
    assert.equal(canonicalJson({ a: undefined, b: '1' }), '{"b":"1"}');
  });

  const unspeakable: [string, unknown][] = [
    ['undefined', undefined],
    ['a function', () => undefined],
    ['a symbol', Symbol('s')],
    ['NaN', Number.NaN],
    ['Infinity', Number.POSITIVE_INFINITY],
    ['a bigint', 1n],
    ['a lone surrogate', 'a\ud800'],
    ['a lone surrogate as a name', { '\udc00': 'a' }],
    ['a lone surrogate far inside', { a: [{ b: '\udfff' }] }],
  ];
  for (const [what, value] of unspeakable) {
    test(`refuses ${what}`, () => {
      assert.throws(() => canonicalJson(value), Error);
    });
  }
});

/** JSON without numbers, as event data is. */
const { value: jsonWithoutNumbers } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.string({ unit: 'binary' }),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.string({ unit: 'binary', maxLength: 4 }), tie('value'), { maxKeys: 5 }),
  ),
}));

function asJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

describe('For all JSON without numbers', () => {
  test('canonical JSON reads back as the same value and is stable', () => {
    fc.assert(
      fc.property(jsonWithoutNumbers, (value) => {
        const text = canonicalJson(value);
        const read = JSON.parse(text) as unknown;
        assert.equal(canonicalJson(read), text);
        assert.deepEqual(read, asJson(value));
      }),
    );
  });

  test('the order in which members were written does not matter', () => {
    const members = fc.uniqueArray(fc.tuple(fc.string({ unit: 'binary' }), jsonWithoutNumbers), {
      selector: ([name]) => name,
      maxLength: 8,
    });
    const shuffled = members.chain((pairs) =>
      fc.tuple(fc.constant(pairs), fc.shuffledSubarray(pairs, { minLength: pairs.length })),
    );
    fc.assert(
      fc.property(shuffled, ([one, other]) => {
        assert.equal(canonicalJson(Object.fromEntries(one)), canonicalJson(Object.fromEntries(other)));
      }),
    );
  });

  test('different values have different bytes', () => {
    fc.assert(
      fc.property(jsonWithoutNumbers, jsonWithoutNumbers, (one, other) => {
        fc.pre(!isDeepStrictEqual(asJson(one), asJson(other)));
        assert.notEqual(canonicalJson(one), canonicalJson(other));
      }),
    );
  });
});

test('what it spells by itself is what the library spells, for any value and any order of members', () => {
  const names = fc.oneof(
    fc.constantFrom('a', 'b', 'é', '😀', '1', '10', '9', '__proto__', 'toJSON'),
    fc.string(),
  );
  const values = fc.letrec((tie) => ({
    value: fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.boolean(),
      fc.constant(null),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(names, tie('value'), { maxKeys: 6 }),
    ),
  })).value;
  fc.assert(
    fc.property(values, (value) => {
      let expected: string | undefined;
      try {
        expected = serialize(value);
      } catch {
        assert.throws(() => canonicalJson(value));
        return;
      }
      assert.equal(canonicalJson(value), expected);
    }),
    { numRuns: 2_000 },
  );
});

test('few names and many are put in the same order', () => {
  const names = fc.uniqueArray(fc.stringMatching(/^[a-z\u00e4\u4e00]{1,3}$/), {
    minLength: 1,
    maxLength: 45,
  });
  fc.assert(
    fc.property(names, (of) => {
      const value = Object.fromEntries(of.map((name) => [name, name]));
      assert.deepEqual(Object.keys(JSON.parse(canonicalJson(value)) as object), of.toSorted());
      assert.equal(canonicalJson(value), serialize(value));
    }),
  );
});
