import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { compareFingerprint, fingerprint, isUsableKey } from '../../src/commands/idempotency.ts';
import { keyHash } from '../../src/events/key-hash.ts';
import type { StoredEvent } from '../../src/events/read.ts';
import { uuidv7 } from '../../src/uuid.ts';
import { NOON, alice, registered, uuid } from '../events/facts.ts';
import { SALT } from '../support/decision.ts';

describe('A usable key', () => {
  for (const key of ['a', '!', '~', randomUUID(), 'order:1/2?x=[y]', 'k'.repeat(255)]) {
    test(`may be ${key.slice(0, 40)}`, () => assert.equal(isUsableKey(key), true));
  }

  for (const key of [
    '',
    ' ',
    'a b',
    'a ',
    'a\n',
    '\ta',
    'a\u0000',
    '\u007f',
    'ü',
    '\u{1f600}',
    'k'.repeat(256),
  ]) {
    test(`must not be ${JSON.stringify(key.slice(0, 40))} (length ${key.length})`, () =>
      assert.equal(isUsableKey(key), false));
  }
});

const usableKeys = fc.string({
  unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
  minLength: 1,
  maxLength: 255,
});

describe('The hash of a key', () => {
  test('has 32 bytes: the first 16 of the key as they are, then 16 of its SHA-256', () => {
    fc.assert(
      fc.property(usableKeys, (key) => {
        const bytes = keyHash(key);
        assert.equal(bytes.length, 32);
        assert.equal(bytes.subarray(0, 16).toString('latin1'), key.slice(0, 16).padEnd(16, '\u0000'));
        assert.deepEqual(bytes.subarray(16), createHash('sha256').update(key).digest().subarray(0, 16));
      }),
    );
  });

  test('is the same for the same key and another for another', () => {
    fc.assert(
      fc.property(usableKeys, usableKeys, (one, other) => {
        assert.deepEqual(keyHash(one), keyHash(one));
        assert.equal(keyHash(one).equals(keyHash(other)), one === other);
      }),
    );
  });

  test('keeps keys apart that share their first 16 characters', () => {
    const keys = ['tenant-1-order-00', 'tenant-1-order-000', 'tenant-1-order-01', 'tenant-1-order-0'];
    assert.equal(new Set(keys.map((key) => keyHash(key).toString('hex'))).size, keys.length);
  });

  test('keeps keys apart that differ in trailing zero bytes of the padding only by their digest', () => {
    assert.notDeepEqual(keyHash('a'), keyHash('aa'));
    assert.deepEqual(keyHash('a').subarray(1, 16), Buffer.alloc(15));
  });

  test('sorts keys by time when they start with it: UUIDv7 neighbours stay neighbours', () => {
    const start = Date.UTC(2026, 0, 1);
    const keys = Array.from({ length: 200 }, (_, index) => uuidv7(start + index * 7));
    const sorted = [...keys].sort((a, b) => Buffer.compare(keyHash(a), keyHash(b)));
    assert.deepEqual(sorted, keys);
  });

  test('keeps the minutes of UUIDv7 keys apart from each other', () => {
    const minutes = [0, 60_000, 120_000].map((offset) =>
      Array.from({ length: 50 }, (_, index) => keyHash(uuidv7(Date.UTC(2026, 0, 1) + offset + index))),
    );
    const [first, second, third] = minutes.map((hashes) => hashes.toSorted(Buffer.compare));
    assert.ok(Buffer.compare(first!.at(-1)!, second!.at(0)!) < 0);
    assert.ok(Buffer.compare(second!.at(-1)!, third!.at(0)!) < 0);
  });
});

/** An event that was stored for a request. */
function storedFor(own: { fingerprint: Buffer | null; salt: Buffer | null }): StoredEvent {
  return {
    ...registered(alice),
    ...{
      position: 1n,
      id: uuid('e', 1),
      actor: 'test',
      idempotencyKey: 'key',
      correlationId: null,
      relatedId: null,
    },
    ...{ occurredAt: NOON, recordedAt: NOON, personal: new Map([['email', alice.email]]), ...own },
  };
}

describe('The fingerprint', () => {
  const [request, other] = [
    '{"body":{"amount":"1"},"command":"topup"}',
    '{"body":{"amount":"2"},"command":"topup"}',
  ];
  const salt = Buffer.from(SALT);

  test('is a version and a SHA-256 of the canonical request', () => {
    const expected = Buffer.concat([Buffer.of(1), createHash('sha256').update(request).digest()]);
    assert.deepEqual(fingerprint(request, null), expected);
  });

  test('of a request with personal values needs their salt to be guessed', () => {
    const salted = fingerprint(request, salt);
    assert.equal(salted.length, 33);
    assert.equal(salted[0], 2);
    assert.notDeepEqual(salted.subarray(1), fingerprint(request, null).subarray(1));
    assert.notDeepEqual(salted, fingerprint(request, Buffer.alloc(16)));
  });

  for (const [what, of] of [
    ['plain', null],
    ['salted', salt],
  ] as const) {
    test(`tells the same request from another (${what})`, () => {
      const stored = storedFor({ fingerprint: fingerprint(request, of), salt: of });
      assert.equal(compareFingerprint(stored, request), 'same');
      assert.equal(compareFingerprint(stored, other), 'other');
      assert.equal(compareFingerprint(stored, `${request} `), 'other');
    });
  }

  test('that is plain is compared plainly, though the subject has a salt for other values', () => {
    const stored = storedFor({ fingerprint: fingerprint(request, null), salt });
    assert.equal(compareFingerprint(stored, request), 'same');
  });

  test('that is salted cannot be compared once the salt was erased', () => {
    const stored = storedFor({ fingerprint: fingerprint(request, salt), salt: null });
    assert.equal(compareFingerprint(stored, request), 'erased');
    assert.equal(compareFingerprint(stored, other), 'erased');
  });

  test('must be there beside a key', () => {
    assert.throws(
      () => compareFingerprint(storedFor({ fingerprint: null, salt: null }), request),
      /without a fingerprint/,
    );
  });
});
