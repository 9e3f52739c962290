/** What an operator does to who signs: another key, or another incarnation. A worker that runs takes it up at its next checkpoint. */
import type { Pool } from 'pg';
import { inTransaction } from '../../db/pool.ts';
import { readIncarnation, readLastCheckpoint, readPublicKeys } from './checkpoint-log.ts';
import { openCheckpoint, type Checkpoint } from './checkpoint.ts';
import { addPublicKey, lockSealing, startIncarnation } from './incarnations.ts';
import { prepareKeyFile, readOrMakeKeyFile } from './key-file.ts';
import { vkeyOf } from './note.ts';

/** A new key signs from now on. Resolves to its vkey. */
export function rotateKey(pool: Pool, ledgerId: number, keyFile: string): Promise<string> {
  return inTransaction(pool, async (tx) => {
    await lockSealing(tx, ledgerId);
    const { origin } = (await readIncarnation(tx, ledgerId)) ?? (await startIncarnation(tx, ledgerId, null));
    const { key, install, discard } = await prepareKeyFile(keyFile);
    try {
      const vkey = vkeyOf(origin, key.publicKey);
      await addPublicKey(tx, ledgerId, vkey);
      // Last: a file that does not belong to the database's key stops the sealing until the key is rotated again.
      await install();
      return vkey;
    } finally {
      await discard();
    }
  });
}

export type Begun = { readonly origin: string; readonly vkey: string; readonly succeeds: Checkpoint | null };

/**
 * A new incarnation, which names the last checkpoint of the one before: the larger of what the database knows and the note that
 * somebody kept. `insist`: a kept note that is not this ledger's is an error, and one is needed.
 */
export function beginIncarnation(
  pool: Pool,
  ledgerId: number,
  keyFile: string,
  kept: { note: string | null; insist: boolean },
): Promise<Begun> {
  return inTransaction(pool, async (tx) => {
    await lockSealing(tx, ledgerId);
    const vkeys = await readPublicKeys(tx, ledgerId);
    const old = await readIncarnation(tx, ledgerId);
    const stored = old === null ? null : await readLastCheckpoint(tx, ledgerId, old.number);
    const notes = [stored?.note ?? null, kept.note].filter((note) => note !== null);
    const known = notes.flatMap((note) => {
      try {
        return [{ note, checkpoint: openCheckpoint(note, vkeys) }];
      } catch (error) {
        if (kept.insist && note === kept.note) throw error;
        return [];
      }
    });
    const last = known.reduce<(typeof known)[number] | null>(
      (most, one) => (most === null || one.checkpoint.size > most.checkpoint.size ? one : most),
      null,
    );
    const key = await readOrMakeKeyFile(keyFile);
    const { origin } = await startIncarnation(tx, ledgerId, last?.note ?? null);
    const vkey = vkeyOf(origin, key.publicKey);
    await addPublicKey(tx, ledgerId, vkey);
    return { origin, vkey, succeeds: last?.checkpoint ?? null };
  });
}
