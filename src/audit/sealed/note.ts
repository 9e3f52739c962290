/**
 * Signed notes as https://c2sp.org/signed-note describes them, with Ed25519: a text, an empty line, and a line a signature.
 * A public key is a vkey, `<name>+<key hash>+<base64 of type and key>`.
 */
import { createPublicKey, hash, sign, verify, type KeyObject } from 'node:crypto';

const ED25519 = 0x01;
const KEY_BYTES = 32;
const KEY_HASH_BYTES = 4;
const SIGNATURE_BYTES = 64;
/** Before the 32 bytes of a key in SubjectPublicKeyInfo. */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
/** Notes are of strangers: a longer one is not looked at. */
const MAX_NOTE_CHARS = 1_000_000;
const MAX_SIGNATURES = 100;
/** Of a note that one more is added to. */
const KEPT_SIGNATURES = 16;

export class NoteError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'NoteError';
  }
}

/** A vkey, taken apart. */
export type VerifierKey = { readonly name: string; readonly keyHash: string; readonly publicKey: KeyObject };

/** vkeys; taken apart where many notes are to be opened with them. */
export type Keys = readonly (string | VerifierKey)[];

export type OpenNote = {
  /** Ends with a newline. */
  readonly text: string;
  /** Names of the given keys whose signatures are on it; there is at least one. */
  readonly signers: readonly string[];
};

/** The public key as others are given it. A name has no spaces and no plus. */
export function vkeyOf(name: string, publicKey: KeyObject): string {
  const typed = Buffer.concat([Buffer.of(ED25519), rawPublicKey(publicKey)]);
  return `${name}+${keyHashOf(name, typed)}+${typed.toString('base64')}`;
}

/** Signs a text that ends with a newline. */
export function signNote(text: string, signer: { name: string; privateKey: KeyObject }): string {
  checkText(text);
  return `${text}\n${signatureOf(text, signer)}`;
}

/** Adds a signature, behind the last ones that the note has. */
export function cosignNote(note: string, signer: { name: string; privateKey: KeyObject }): string {
  const { text } = parseNote(note);
  const lines = note.slice(text.length + 1).split(/(?<=\n)/);
  return `${text}\n${lines.slice(-KEPT_SIGNATURES).join('')}${signatureOf(text, signer)}`;
}

function signatureOf(text: string, signer: { name: string; privateKey: KeyObject }): string {
  const { name, privateKey } = signer;
  const [, keyHash = ''] = vkeyOf(name, createPublicKey(privateKey)).slice(name.length).split('+');
  const signature = sign(null, Buffer.from(text), privateKey);
  const payload = Buffer.concat([Buffer.from(keyHash, 'hex'), signature]).toString('base64');
  return `\u2014 ${name} ${payload}\n`;
}

/**
 * The text of a note that at least one of the keys has signed; signatures of other keys are none of our business. Throws a
 * NoteError otherwise, and where a signature says it is of one of the keys and is not.
 */
export function openNote(note: string, vkeys: Keys): OpenNote {
  const { text, signatures } = parseNote(note);
  const keys = vkeys.map((key) => (typeof key === 'string' ? parseVkey(key) : key));
  const signers = new Set<string>();
  for (const { name, keyHash, signature } of signatures) {
    const key = keys.find((known) => known.name === name && known.keyHash === keyHash);
    if (key === undefined) continue;
    const valid =
      signature.length === SIGNATURE_BYTES && verify(null, Buffer.from(text), key.publicKey, signature);
    if (!valid) throw new NoteError(`The signature by ${name}+${keyHash} does not match the text.`);
    signers.add(name);
  }
  if (signers.size === 0) throw new NoteError('None of the given keys has signed this.');
  return { text, signers: [...signers] };
}

export function parseVkey(vkey: string): VerifierKey {
  const [, name = '', keyHash = '', encoded = ''] = /^([^\s+]+)\+([0-9a-f]{8})\+(.+)$/u.exec(vkey) ?? [];
  const typed = fromBase64(encoded);
  if (name === '' || typed === null) throw new NoteError(`This is no vkey: ${vkey.slice(0, 200)}`);
  if (typed[0] !== ED25519 || typed.length !== 1 + KEY_BYTES) {
    throw new NoteError(`The key of ${name} is not an Ed25519 key.`);
  }
  if (keyHashOf(name, typed) !== keyHash) throw new NoteError(`The hash in the vkey of ${name} is wrong.`);
  const spki = Buffer.concat([SPKI_PREFIX, typed.subarray(1)]);
  return { name, keyHash, publicKey: createPublicKey({ key: spki, format: 'der', type: 'spki' }) };
}

function keyHashOf(name: string, typed: Buffer): string {
  const hashed = hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), typed]), 'buffer');
  return hashed.subarray(0, KEY_HASH_BYTES).toString('hex');
}

function rawPublicKey(publicKey: KeyObject): Buffer {
  if (publicKey.asymmetricKeyType !== 'ed25519') throw new NoteError('The key is not an Ed25519 key.');
  return publicKey.export({ format: 'der', type: 'spki' }).subarray(SPKI_PREFIX.length);
}

type Signature = { readonly name: string; readonly keyHash: string; readonly signature: Buffer };

function parseNote(note: string): { text: string; signatures: Signature[] } {
  if (note.length > MAX_NOTE_CHARS) throw new NoteError('The note is too long.');
  const split = note.lastIndexOf('\n\n');
  if (split === -1 || !note.endsWith('\n')) {
    throw new NoteError('A signed note is a text, an empty line and signatures, each line with its end.');
  }
  const text = note.slice(0, split + 1);
  checkText(text);
  const lines = note.slice(split + 2, -1).split('\n');
  if (lines.length > MAX_SIGNATURES) throw new NoteError('The note has too many signatures.');
  return { text, signatures: lines.map(parseSignature) };
}

function parseSignature(line: string): Signature {
  const [, name = '', encoded = ''] = /^\u2014 ([^\s+]+) ([^\s]+)$/u.exec(line) ?? [];
  const payload = fromBase64(encoded);
  if (name === '' || payload === null || payload.length <= KEY_HASH_BYTES) {
    throw new NoteError('A signature line of the note is malformed.');
  }
  return {
    name,
    keyHash: payload.subarray(0, KEY_HASH_BYTES).toString('hex'),
    signature: payload.subarray(KEY_HASH_BYTES),
  };
}

function checkText(text: string): void {
  // oxlint-disable-next-line no-control-regex -- these are what a note must not have
  if (!text.endsWith('\n') || /[\0-\x09\x0b-\x1f]/.test(text) || !text.isWellFormed()) {
    throw new NoteError('The text of a note ends with a newline and has no other control characters.');
  }
}

/** Null for what another encoder would have written differently. */
export function fromBase64(encoded: string): Buffer | null {
  const bytes = Buffer.from(encoded, 'base64');
  return encoded !== '' && bytes.toString('base64') === encoded ? bytes : null;
}
