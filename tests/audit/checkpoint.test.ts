/** Signed notes and checkpoints: what others made is read, what we make others can read, and nothing else is taken for one. */
import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  CheckpointError,
  openCheckpoint,
  signCheckpoint,
  successionLine,
} from '../../src/audit/sealed/checkpoint.ts';
import { NoteError, openNote, signNote, vkeyOf } from '../../src/audit/sealed/note.ts';

/** The example that golang.org/x/mod/sumdb/note was published with. */
const PETER = {
  vkey: 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
  seed: 'AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz',
  text: "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n",
  signature:
    '\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n',
};
const published = `${PETER.text}\n${PETER.signature}`;
const peter = createPrivateKey({
  key: Buffer.concat([
    Buffer.from('302e020100300506032b657004220420', 'hex'),
    Buffer.from(PETER.seed, 'base64').subarray(1),
  ]),
  format: 'der',
  type: 'pkcs8',
});

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const origin = 'coffer/main/1-0123456789abcdef';
const vkey = vkeyOf(origin, publicKey);
const root = Buffer.alloc(32, 7);
const checkpoint = { origin, size: 42n, root, extensions: [] };
const signed = signCheckpoint(checkpoint, privateKey);

describe('A signed note', () => {
  test('is made and opened as the published example was', () => {
    assert.equal(vkeyOf('PeterNeumann', createPublicKey(peter)), PETER.vkey);
    assert.equal(signNote(PETER.text, { name: 'PeterNeumann', privateKey: peter }), published);
    assert.deepEqual(openNote(published, [PETER.vkey]), { text: PETER.text, signers: ['PeterNeumann'] });
  });

  test('may have signatures of others beside', () => {
    const other = `\u2014 witness.example/w1 ${Buffer.alloc(72, 9).toString('base64')}\n`;
    for (const note of [published + other, `${PETER.text}\n${other}${PETER.signature}`]) {
      assert.deepEqual(openNote(note, [PETER.vkey]).signers, ['PeterNeumann']);
    }
  });

  test('holds for no other text, key or signature', () => {
    const refused = (note: string, keys: readonly string[] = [PETER.vkey]) =>
      assert.throws(() => openNote(note, keys), NoteError, note);
    refused(published, []);
    refused(published, [vkey]);
    refused(published.replace('cryptography', 'cryptographY'));
    refused(published.replace('x08go', 'x08gp'));
    refused(published.slice(0, -1));
    refused(`${published}\n`);
    refused(published.replace('\n\n', '\n'));
    refused(published.replace('\u2014', '-'));
    refused(published.replace('problem,', 'problem,\r'));
    refused(published.replace('wJnAM=', 'wJnAN='));
    refused('');
    // A second signature that says it is Peter's and is not.
    refused(`${published}\u2014 PeterNeumann ${Buffer.from('c74f20a3', 'hex').toString('base64')}\n`);
  });

  test('is not opened with what is no vkey', () => {
    for (const key of [
      '',
      'PeterNeumann',
      PETER.vkey.replace('c74f20a3', 'c74f20a4'),
      PETER.vkey.replace('Peter', 'Pete'),
      PETER.vkey.replace('+AR', '+BR'),
      PETER.vkey.slice(0, -4),
      `${PETER.vkey}AA==`,
    ]) {
      assert.throws(() => openNote(published, [key]), NoteError, key);
    }
  });
});

describe('A checkpoint', () => {
  test('has the form of C2SP tlog-checkpoint, and is read back', () => {
    const lines = signed.split('\n');
    assert.deepEqual(lines.slice(0, 4), [origin, '42', root.toString('base64'), '']);
    assert.deepEqual(openCheckpoint(signed, [vkey]), checkpoint);
  });

  test('may name the one it goes on from', () => {
    const line = successionLine(checkpoint);
    assert.equal(line, `succeeds ${origin} 42 ${root.toString('base64')}`);
    const next = { ...checkpoint, extensions: [line] };
    assert.deepEqual(openCheckpoint(signCheckpoint(next, privateKey), [vkey]), next);
  });

  test('that is not one is refused in a sentence', () => {
    const refused = (text: string, reason: RegExp) =>
      assert.throws(
        () => openCheckpoint(signNote(text, { name: origin, privateKey }), [vkey]),
        (error) => {
          assert.ok(error instanceof CheckpointError);
          assert.match(error.message, reason);
          return true;
        },
      );
    const encoded = root.toString('base64');
    refused(`other/log\n42\n${encoded}\n`, /is of other\/log, which has not signed it/);
    refused(`${origin}\n042\n${encoded}\n`, /size .* no number/);
    refused(`${origin}\n-1\n${encoded}\n`, /size .* no number/);
    refused(`${origin}\n9223372036854775808\n${encoded}\n`, /size .* no number/);
    refused(`${origin}\n42\n${encoded.slice(4)}\n`, /base64 of 32 bytes/);
    refused(`${origin}\n42\n`, /base64 of 32 bytes/);
    refused(`${origin}\n42\n${encoded}\n\nextension\n`, /empty line/);
    assert.throws(() => openCheckpoint(signed, []), CheckpointError);
  });

  test('is not taken for signed after any one character of it was changed', () => {
    fc.assert(
      fc.property(fc.nat({ max: signed.length - 1 }), fc.constantFrom('A', '0', '\n', ' '), (at, by) => {
        const changed = signed.slice(0, at) + by + signed.slice(at + 1);
        fc.pre(changed !== signed);
        assert.throws(() => openCheckpoint(changed, [vkey]), CheckpointError);
      }),
      { numRuns: 500 },
    );
  });
});
