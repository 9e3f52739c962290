/**
 * Checkpoints as https://c2sp.org/tlog-checkpoint describes them: a signed note that names the log, how many leaves it has and
 * the root of their tree. Ours may have one extension, which names the checkpoint that a new incarnation of a log goes on from.
 */
import type { KeyObject } from 'node:crypto';
import { HASH_BYTES } from '../tree/merkle.ts';
import { fromBase64, NoteError, openNote, signNote, type Keys } from './note.ts';

export type Checkpoint = {
  readonly origin: string;
  readonly size: bigint;
  readonly root: Buffer;
  readonly extensions: readonly string[];
};

export class CheckpointError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CheckpointError';
  }
}

const MAX_SIZE = 2n ** 63n - 1n;

/** Signed by the log itself: the name of the key is the origin. */
export function signCheckpoint(checkpoint: Checkpoint, privateKey: KeyObject): string {
  const { origin, size, root, extensions } = checkpoint;
  const lines = [origin, size.toString(), root.toString('base64'), ...extensions];
  return signNote(`${lines.join('\n')}\n`, { name: origin, privateKey });
}

/** Throws a CheckpointError for what is not a checkpoint that one of the keys, named for its origin, has signed. */
export function openCheckpoint(note: string, vkeys: Keys): Checkpoint {
  try {
    const { text, signers } = openNote(note, vkeys);
    const checkpoint = parseCheckpoint(text);
    if (!signers.includes(checkpoint.origin)) {
      throw new CheckpointError(`The checkpoint is of ${checkpoint.origin}, which has not signed it.`);
    }
    return checkpoint;
  } catch (error) {
    if (error instanceof NoteError) throw new CheckpointError(error.message);
    throw error;
  }
}

/** The text of a note. Who signed it, the caller has looked at. */
function parseCheckpoint(text: string): Checkpoint {
  const [origin = '', digits = '', encoded = '', ...extensions] = text.slice(0, -1).split('\n');
  if (origin === '') throw new CheckpointError('The checkpoint names no origin.');
  const size = /^(?:0|[1-9][0-9]{0,18})$/.test(digits) ? BigInt(digits) : null;
  if (size === null || size > MAX_SIZE) throw new CheckpointError('The size in the checkpoint is no number.');
  const root = fromBase64(encoded);
  if (root?.length !== HASH_BYTES) {
    throw new CheckpointError('The root in the checkpoint is not the base64 of 32 bytes.');
  }
  if (extensions.includes('')) throw new CheckpointError('The checkpoint has an empty line.');
  return { origin, size, root, extensions };
}

/** The line that names the checkpoint a new incarnation goes on from. */
export function successionLine(old: Checkpoint): string {
  return `succeeds ${old.origin} ${old.size} ${old.root.toString('base64')}`;
}
