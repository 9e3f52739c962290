import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { canonicalJson } from '../../src/events/canonical.ts';
import { currentVersion, eventSchemas } from '../../src/events/catalog.ts';
import { UnreadableEventError, upcast } from '../../src/events/upcast.ts';
import { numbersIn } from './numbers-in.ts';
import { digestsOfSamples, sampleFiles, samples } from './samples.ts';

/** What an event may leave out. */
const OPTIONAL = new Set([
  ...['toUserId', 'personalMetadata', 'asked', 'reverses', 'reversedType', 'reason'],
  ...['exchange', 'lot', 'expires', 'freed', 'lotEnds'],
  ...['wallet.overdraft_changed limits', 'wallet.limits_changed overdraft'],
  ...['wallet.status_changed overdraft', 'wallet.status_changed limits', 'asset.status_changed limits'],
]);

describe('The stored samples', () => {
  test('are never edited: each file has the digest that SHA256SUMS lists', () => {
    const { listed, found } = digestsOfSamples();
    assert.deepEqual(found, listed);
  });

  test('have one for every event type at the version that is written today', () => {
    for (const [type, version] of Object.entries(currentVersion)) {
      assert.ok(sampleFiles.includes(`${type}@${version}.json`), `no sample of ${type} version ${version}`);
    }
    assert.deepEqual(Object.keys(currentVersion).sort(), Object.keys(eventSchemas).sort());
  });

  test('have one for every earlier version too, and others of what came later beside them', () => {
    const expected = Object.entries(currentVersion).flatMap(([type, version]) =>
      Array.from({ length: version }, (_, index) => `${type}@${index + 1}.json`),
    );
    const versions = new Set(sampleFiles.map((file) => file.replace(/(?<=@\d+)\.[a-z-]+(?=\.json$)/, '')));
    assert.deepEqual([...versions].sort(), expected.sort());
  });

  for (const { file, name, type, version, data } of samples) {
    test(`${file}, ${name}: parses, keeps every member and has no JSON numbers`, () => {
      assert.equal(file.replace(/(?<=@\d+)\.[a-z-]+(?=\.json$)/, ''), `${type}@${version}.json`);
      const read = upcast({ type, version, data });
      assert.equal(read.type, type);
      assert.equal(read.version, currentVersion[read.type]);
      if (version === read.version) assert.equal(canonicalJson(read.data), canonicalJson(data));
      assert.deepEqual(numbersIn(read.data), []);
    });
  }
});

describe('Reading stops at an event', () => {
  const user = samples.find(({ type }) => type === 'user.registered');
  assert.ok(user !== undefined);

  for (const type of ['user.renamed', 'toString', '__proto__', '']) {
    test(`of the unknown type ${JSON.stringify(type)}`, () => {
      assert.throws(() => upcast({ ...user, type }), new UnreadableEventError(`unknown event type ${type}`));
    });
  }

  test('of a version from the future', () => {
    const stored = { ...user, version: currentVersion['user.registered'] + 1 };
    assert.throws(() => upcast(stored), {
      name: 'UnreadableEventError',
      message: /newer than this program knows/,
    });
  });

  test('of a version that never was', () => {
    const message = 'no upcaster for user.registered version 0';
    assert.throws(() => upcast({ ...user, version: 0 }), { name: 'UnreadableEventError', message });
  });

  for (const data of [null, 'text', 1, [], {}]) {
    test(`whose data is ${JSON.stringify(data)}`, () => {
      for (const { type, version } of samples)
        assert.throws(() => upcast({ type, version, data }), UnreadableEventError);
    });
  }

  for (const { file, name, type, version, data } of samples) {
    test(`broken anywhere: ${file}, ${name}`, () => {
      assert.throws(() => upcast({ type, version, data: { ...data, surplus: '1' } }), UnreadableEventError);
      for (const member of Object.keys(data)) {
        const withNumber = { ...data, [member]: 1 };
        assert.throws(
          () => upcast({ type, version, data: withNumber }),
          UnreadableEventError,
          `${member} as a number`,
        );
        if (OPTIONAL.has(member) || OPTIONAL.has(`${type} ${member}`)) continue;
        const { [member]: _left, ...without } = data;
        assert.throws(
          () => upcast({ type, version, data: without }),
          UnreadableEventError,
          `without ${member}`,
        );
      }
    });
  }

  const brokenAmounts: [string, string[]][] = [
    ['no posting', []],
    ['a negative amount', ['-5']],
    ['an amount of zero', ['0']],
    ['an amount of 39 digits', ['1'.repeat(39)]],
    ['an amount with leading zeros', ['05']],
    ['a good amount and a broken one', ['5', '1e3']],
  ];
  for (const [what, amounts] of brokenAmounts) {
    test(`that posts ${what}`, () => {
      const sample = samples.find(({ name }) => name === 'a top-up');
      assert.ok(sample !== undefined);
      const [posting] = sample.data['postings'] as [Record<string, unknown>];
      const postings = amounts.map((amount) => ({ ...posting, amount }));
      assert.throws(() => upcast({ ...sample, data: { ...sample.data, postings } }), UnreadableEventError);
    });
  }

  for (const balanceAfter of ['-0', '+1', '01', '1.0', `1${'0'.repeat(38)}`, '']) {
    test(`with the balance ${JSON.stringify(balanceAfter)}`, () => {
      const sample = samples.find(({ name }) => name === "a user's wallet frozen");
      assert.ok(sample !== undefined);
      const data = { ...sample.data, balance: balanceAfter };
      assert.throws(() => upcast({ ...sample, data }), UnreadableEventError);
    });
  }
});
