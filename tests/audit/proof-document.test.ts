/** A proof is checked by itself: any part of it that was changed makes it none. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, test } from 'node:test';
import { signCheckpoint } from '../../src/audit/sealed/checkpoint.ts';
import { encodeLeaf, type Leaf } from '../../src/audit/tree/leaf.ts';
import { leafHash, nodeHash } from '../../src/audit/tree/merkle.ts';
import { NoteError, vkeyOf } from '../../src/audit/sealed/note.ts';
import { checkKeys, checkProof, eventDocument, ProofError } from '../../src/audit/sealed/proof-document.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const origin = 'coffer/main/1-0123456789abcdef';
const vkey = vkeyOf(origin, publicKey);
const pem = publicKey.export({ format: 'pem', type: 'spki' });

const event: Leaf = {
  position: 2n,
  id: '01998a6e-7c00-7000-8000-000000000004',
  type: 'transaction.posted',
  version: 1,
  idempotencyKey: 'order-1001',
  fingerprint: '02ff',
  actor: 'Zo\u00eb',
  correlationId: null,
  relatedId: null,
  occurredAt: '2026-01-01T00:00:00.000Z',
  recordedAt: '2026-01-01T00:00:00.001Z',
  effectiveAt: null,
  data: '{"amount":"100"}',
};

/** The event is the second of three. */
const leaf = leafHash(encodeLeaf(event));
const [first, third] = [leafHash(Buffer.from('1')), leafHash(Buffer.from('3'))];
const root = nodeHash(nodeHash(first, leaf), third);
const base64 = (hash: Buffer): string => hash.toString('base64');
const proof = {
  position: '2',
  leafIndex: '1',
  treeSize: '3',
  leafHash: base64(leaf),
  hashes: [base64(first), base64(third)],
  rootHash: base64(root),
  checkpoint: signCheckpoint({ origin, size: 3n, root, extensions: [] }, privateKey),
  publicKeys: [],
  event: eventDocument(event),
};

test('A proof holds with vkeys, one a line, and with a public key in PEM', () => {
  for (const keys of [vkey, `${vkey}\n`, `\n${vkeyOf('another', publicKey)}\r\n${vkey}\n`, pem]) {
    const { checkpoint, event: found } = checkProof(proof, keys);
    assert.deepEqual(found, event);
    assert.deepEqual(checkpoint, { origin, size: 3n, root, extensions: [] });
  }
  // As it is written to a file and read back.
  assert.deepEqual(checkProof(JSON.parse(JSON.stringify(proof)), vkey).event, event);
});

describe('A proof does not hold', () => {
  const other = base64(Buffer.alloc(32, 1));
  const cases: [what: string, document: unknown, reason: RegExp][] = [
    ...Object.entries({
      id: '01998a6e-7c00-7000-8000-000000000005',
      type: 'transaction.rejected',
      version: 2,
      idempotencyKey: null,
      fingerprint: '02fe',
      actor: 'Zoe',
      correlationId: '',
      relatedId: event.id,
      occurredAt: '2026-01-01T00:00:00.001Z',
      recordedAt: '2026-01-01T00:00:00.002Z',
      effectiveAt: '2026-01-01T00:00:00.000Z',
      data: '{"amount":"900"}',
      position: '1',
    }).map(([name, value]): [string, unknown, RegExp] => [
      `of an event with another ${name}`,
      { ...proof, event: { ...proof.event, [name]: value } },
      /not the leaf/,
    ]),
    ['with another hash on the way', { ...proof, hashes: [other, base64(third)] }, /do not lead/],
    ['with a hash too few', { ...proof, hashes: [base64(first)] }, /do not lead/],
    ['with a hash too many', { ...proof, hashes: [...proof.hashes, other] }, /do not lead/],
    ['with another index', { ...proof, leafIndex: '0' }, /another position/],
    ['with another position', { ...proof, position: '3' }, /another position/],
    ['with another leaf hash', { ...proof, leafHash: other }, /not the leaf/],
    ['with another root', { ...proof, rootHash: other }, /another tree/],
    ['with another size', { ...proof, treeSize: '4' }, /another tree/],
    [
      'with a changed checkpoint',
      { ...proof, checkpoint: proof.checkpoint.replace('\n3\n', '\n4\n') },
      /not match/,
    ],
    ['without a checkpoint', { ...proof, checkpoint: null }, /nobody has signed/],
    ['without an event', { ...proof, event: undefined }, /no proof: event/],
    ['with a number for a position', { ...proof, position: 2 }, /no proof: position/],
    ['with a hash that is none', { ...proof, hashes: ['AA=='] }, /no proof: hashes\.0/],
    ...['2025-12-31T23:59:60.000Z', '2025-12-32T00:00:00.000Z', '2026-01-01T00:00:00Z', 'x'].map(
      (occurredAt): [string, unknown, RegExp] => [
        `of an event that occurred at ${occurredAt}`,
        { ...proof, event: { ...proof.event, occurredAt } },
        /no proof: event\.occurredAt: must be a time/,
      ],
    ),
    [
      'of an event whose position no leaf can have',
      { ...proof, event: { ...proof.event, position: '9223372036854775808' } },
      /no proof: event\.position: must fit/,
    ],
    ['that is something else', [], /no proof/],
    ['that is nothing', null, /no proof/],
  ];
  for (const [what, document, reason] of cases) {
    test(what, () => {
      assert.throws(
        () => checkProof(document, vkey),
        (error) => {
          assert.ok(error instanceof ProofError);
          assert.match(error.message, reason);
          return true;
        },
      );
    });
  }

  test('with the key of somebody else', () => {
    const stranger = generateKeyPairSync('ed25519').publicKey;
    const strangers = stranger.export({ format: 'pem', type: 'spki' });
    for (const keys of [vkeyOf(origin, stranger), vkeyOf('another', publicKey), strangers])
      assert.throws(() => checkProof(proof, keys), ProofError);
  });
});

test('What holds no key is told from what holds another one', () => {
  for (const keys of ['', '\n', 'no key', vkey.slice(1)]) assert.throws(() => checkKeys(keys), NoteError);
  assert.throws(() => checkKeys('-----BEGIN PUBLIC KEY-----\n'));
  for (const keys of [vkey, pem]) checkKeys(keys);
});
