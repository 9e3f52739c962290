/** Checkpoints: signed notes (https://c2sp.org/signed-note) with the size and the root of a tree, signed with Ed25519. */
import { fromBase64, sha256, toHex, utf8, type Bytes } from './bytes.ts';

const ED25519 = 0x01;
const KEY_HASH_BYTES = 4;
const SIGNATURE = /^\u2014 ([^\s+]+) ([A-Za-z0-9+/]+=*)$/u;
const VKEY = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)$/u;

export type SignedCheckpoint = { readonly origin: string; readonly treeSize: bigint; readonly root: Bytes };

type Key = { readonly name: string; readonly hash: string; readonly bytes: Bytes };

/** What a note says, once one of the keys, named for its origin, is found to have signed it. Throws otherwise. */
export async function openCheckpoint(note: string, vkeys: readonly string[]): Promise<SignedCheckpoint> {
  const split = note.lastIndexOf('\n\n');
  if (split === -1 || !note.endsWith('\n')) throw new Error('This is no signed note.');
  const text = note.slice(0, split + 1);
  const [origin = '', size = '', root = ''] = text.split('\n');
  if (!/^(?:0|[1-9][0-9]{0,18})$/.test(size)) throw new Error('The size in the checkpoint is no number.');
  const keys = (await Promise.all(vkeys.map(readKey))).filter(({ name }) => name === origin);
  for (const line of note.slice(split + 2, -1).split('\n')) {
    const [, name, payload] = SIGNATURE.exec(line) ?? [];
    if (name !== origin || payload === undefined) continue;
    const bytes = fromBase64(payload);
    const hash = toHex(bytes.slice(0, KEY_HASH_BYTES));
    const key = keys.find((known) => known.hash === hash);
    if (key === undefined) continue;
    if (await isSigned(text, bytes.slice(KEY_HASH_BYTES), key)) {
      return { origin, treeSize: BigInt(size), root: fromBase64(root) };
    }
    throw new Error('The signature does not match the checkpoint.');
  }
  throw new Error('None of the public keys has signed the checkpoint.');
}

async function readKey(vkey: string): Promise<Key> {
  const [, name = '', hash = '', encoded = ''] = VKEY.exec(vkey) ?? [];
  const typed = fromBase64(encoded);
  const expected = (await sha256(utf8(`${name}\n`), typed)).slice(0, KEY_HASH_BYTES);
  if (typed[0] !== ED25519 || typed.length !== 33 || toHex(expected) !== hash) {
    throw new Error(`This is no Ed25519 key as notes have them: ${vkey.slice(0, 100)}`);
  }
  return { name, hash, bytes: typed.slice(1) };
}

async function isSigned(text: string, signature: Bytes, key: Key): Promise<boolean> {
  const imported = await crypto.subtle.importKey('raw', key.bytes, 'Ed25519', false, ['verify']);
  return crypto.subtle.verify('Ed25519', imported, signature, utf8(text));
}
