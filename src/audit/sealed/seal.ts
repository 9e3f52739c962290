/**
 * Seals events: adds them to the tree and signs a checkpoint. Nodes and checkpoint are written in one transaction, and the checkpoint
 * is kept beside the key before that commits, so it can break off anywhere. Before it signs it looks whether the tree still is the one
 * that was signed before: it never signs a fork.
 */
import type { Pool, PoolClient } from 'pg';
import type { Logger } from 'pino';
import { inTransaction } from '../../db/pool.ts';
import type { Transaction } from '../../db/transaction.ts';
import { readPublicKeys, readSealedState, type Incarnation } from './checkpoint-log.ts';
import { openCheckpoint, signCheckpoint, successionLine } from './checkpoint.ts';
import { goOnFromLastSigned } from './continuity.ts';
import { LogContradictionError } from './contradiction.ts';
import { growTree, insertSealed, MAX_EVENTS } from './grow-tree.ts';
import { lockSealing, NotOurKeyError, readSigner, tryLockSealing } from './incarnations.ts';
import { writeLastSigned } from './last-signed.ts';
import { noteRefusal } from './refusals.ts';

export type Sealing = { readonly ledgerId: number; readonly keyFile: string };

export type Sealed = {
  readonly note: string;
  /** Something was left for the next checkpoint. */
  readonly more: boolean;
};

/**
 * Before anything is to be sealed: the first process makes the key. That the database is not the one that was signed is said now, and not
 * only when there is something to seal. Rejects with a KeyFileError where the file cannot be used.
 */
export async function prepareSealing(pool: Pool, { ledgerId, keyFile }: Sealing, log: Logger): Promise<void> {
  try {
    await inTransaction(pool, async (tx) => {
      await lockSealing(tx, ledgerId);
      await goOnFromLastSigned(tx, { ledgerId, keyFile });
      await readSigner(tx, ledgerId, keyFile);
    });
  } catch (error) {
    if (error instanceof LogContradictionError) {
      log.error({ reason: error.message }, 'the log is not sealed: it contradicts what was sealed');
      await noteRefusal(pool, ledgerId, error.message);
    } else if (error instanceof NotOurKeyError)
      log.warn({ reason: error.message }, 'the log is not sealed by this process');
    else throw error;
  }
}

/**
 * One checkpoint over what is committed. Null when there is nothing new, or when another process is at it. Rejects with a
 * LogContradictionError where the log is not the one that was sealed.
 */
export function seal(pool: Pool, sealing: Sealing): Promise<Sealed | null> {
  return inTransaction(pool, (tx) => sealIn(tx, sealing));
}

async function sealIn(tx: PoolClient, { ledgerId, keyFile }: Sealing): Promise<Sealed | null> {
  if (!(await tryLockSealing(tx, ledgerId))) return null;
  const { head, sealed } = await readSealedState(tx, ledgerId);
  if (head === sealed) return null;
  if (head < sealed) {
    throw new LogContradictionError(`${sealed} events were sealed, and the log has ${head}.`);
  }
  const adopted = await goOnFromLastSigned(tx, { ledgerId, keyFile });
  if (adopted !== null) return { note: adopted.note, more: adopted.checkpoint.size < head };
  const { incarnation, key } = await readSigner(tx, ledgerId, keyFile);
  const tree = { ledgerId, incarnation: incarnation.number };
  const size = head - sealed > MAX_EVENTS ? sealed + MAX_EVENTS : head;
  const grown = await growTree(tx, tree, sealed, size);
  const extensions = await extensionsOf(tx, ledgerId, incarnation);
  const checkpoint = { origin: incarnation.origin, size, root: grown.root, extensions };
  const note = signCheckpoint(checkpoint, key.privateKey);
  await insertSealed(tx, tree, grown, { checkpoint, note });
  // Before the commit: once others can see the checkpoint, it must not be forgotten here.
  await writeLastSigned(keyFile, note);
  return { note, more: size < head };
}

async function extensionsOf(tx: Transaction, ledgerId: number, { succeeds }: Incarnation): Promise<string[]> {
  if (succeeds === null) return [];
  return [successionLine(openCheckpoint(succeeds, await readPublicKeys(tx, ledgerId)))];
}
