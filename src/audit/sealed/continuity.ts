/**
 * Whether the database goes on from what was signed last. Beside the key stands the last checkpoint that was signed with it; a database
 * from an older backup knows less than that, or another key, or another incarnation of the log. To sign there would be to sign a
 * fork, so nothing is signed until somebody has decided.
 */
import type { PoolClient } from 'pg';
import { readIncarnation, readLastCheckpoint, readPublicKeys, readSealedState } from './checkpoint-log.ts';
import { CheckpointError, openCheckpoint, type Checkpoint } from './checkpoint.ts';
import { LogContradictionError } from './contradiction.ts';
import { growTree, insertSealed } from './grow-tree.ts';
import { readLastSigned } from './last-signed.ts';
import { readRoots, type SealedTree } from './sealed-tree.ts';

const NEW_INCARNATION = 'Run `coffer audit new-incarnation` when what was lost since is to stay lost.';

export type Signed = { readonly note: string; readonly checkpoint: Checkpoint };

/**
 * Under the lock. Resolves to a checkpoint that was signed here and that the database has not kept, since a crash came between: the log
 * has its very events, so it is written down now. Rejects with a LogContradictionError where the database is not the one that
 * was signed.
 */
export async function goOnFromLastSigned(
  tx: PoolClient,
  { ledgerId, keyFile }: { ledgerId: number; keyFile: string },
): Promise<Signed | null> {
  const note = await readLastSigned(keyFile);
  if (note === null) return null;
  const checkpoint = open(note, await readPublicKeys(tx, ledgerId));
  const incarnation = await readIncarnation(tx, ledgerId);
  // Its key is known, so its incarnation is: one that has been succeeded since.
  if (incarnation === null || checkpoint.origin !== incarnation.origin) return null;
  const tree = { ledgerId, incarnation: incarnation.number };
  const { head } = await readSealedState(tx, ledgerId);
  if (checkpoint.size > head)
    throw new LogContradictionError(
      `A checkpoint of ${checkpoint.size} events was signed here, and the log has ${head}: it is from an older backup. ${NEW_INCARNATION}`,
    );
  const last = await readLastCheckpoint(tx, ledgerId, incarnation.number);
  const sealed = last?.treeSize ?? 0n;
  if (checkpoint.size > sealed) return adopt(tx, tree, sealed, { note, checkpoint });
  const root =
    checkpoint.size === sealed && last !== null ? last.rootHash : await rootOf(tx, tree, checkpoint);
  if (!root.equals(checkpoint.root)) throw otherLog(checkpoint);
  return null;
}

function open(note: string, vkeys: readonly string[]): Checkpoint {
  try {
    return openCheckpoint(note, vkeys);
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    const [origin = '', size = ''] = note.split('\n').map((line) => line.slice(0, 200));
    throw new LogContradictionError(
      `The last checkpoint that was signed here, of ${origin} with ${size} events, is signed with no key that this database knows. ` +
        `Either the database is from a backup older than the last \`rotate-key\` or \`new-incarnation\`: ${NEW_INCARNATION} ` +
        'Or it is another database: give it a key of its own (COFFER_AUDIT_KEY_FILE).',
    );
  }
}

/** The nodes of the tree are enough for that, but for the last block. */
async function rootOf(tx: PoolClient, tree: SealedTree, { size }: Checkpoint): Promise<Buffer> {
  const [root] = await readRoots(tx, tree, [{ start: 0n, end: size }]);
  if (root === undefined) throw new Error('a range has a root');
  return root;
}

async function adopt(tx: PoolClient, tree: SealedTree, sealed: bigint, signed: Signed): Promise<Signed> {
  const grown = await growTree(tx, tree, sealed, signed.checkpoint.size);
  if (!grown.root.equals(signed.checkpoint.root)) throw otherLog(signed.checkpoint);
  await insertSealed(tx, tree, grown, signed);
  return signed;
}

function otherLog({ size }: Checkpoint): LogContradictionError {
  return new LogContradictionError(
    `A checkpoint of ${size} events was signed here, and the first ${size} events are others now: the log went on from an older backup, or was changed. ${NEW_INCARNATION}`,
  );
}
