/** What an operator does to who signs: another key, or another incarnation. A worker that runs takes it up at its next checkpoint. */
import type { Pool } from 'pg';
import { inTransaction } from '../../db/pool.ts';
import type { Transaction } from '../../db/transaction.ts';
import { readIncarnations, readLastCheckpoint, readPublicKeys, type Incarnation } from './checkpoint-log.ts';
import { CheckpointError, openCheckpoint, type Checkpoint } from './checkpoint.ts';
import { goOnFromLastSigned, type Signed } from './continuity.ts';
import { addPublicKey, lockSealing, rotatedKeyFile, startIncarnation } from './incarnations.ts';
import { installKeyFile, newKey, readOrMakeKeyFile, writeKeyFile, type SigningKey } from './key-file.ts';
import { putLastSignedAside, readLastSigned, writeLastSigned } from './last-signed.ts';
import { cosignNote, vkeyOf } from './note.ts';
import { forgetRefusal } from './refusals.ts';

/**
 * A new key signs from now on. Resolves to its vkey. Rejects with a LogContradictionError where the database is not the one that was
 * signed: another key would not make it so. The new key stands beside the old one until the database knows it, and the last
 * checkpoint is signed with it too: wherever this breaks off, one of the two keys is the one to go on with.
 */
export async function rotateKey(pool: Pool, ledgerId: number, keyFile: string): Promise<string> {
  const key = newKey();
  const vkey = await inTransaction(pool, async (tx) => {
    await lockSealing(tx, ledgerId);
    await goOnFromLastSigned(tx, { ledgerId, keyFile });
    const [current = await startIncarnation(tx, ledgerId, null)] = await readIncarnations(tx, ledgerId);
    const made = vkeyOf(current.origin, key.publicKey);
    await writeKeyFile(rotatedKeyFile(keyFile, made), key);
    await cosignLastSigned(keyFile, key);
    await addPublicKey(tx, ledgerId, made);
    return made;
  });
  await installKeyFile(rotatedKeyFile(keyFile, vkey), keyFile);
  return vkey;
}

/** So that the key at hand opens it, whatever a restored database knows of the one before. */
async function cosignLastSigned(keyFile: string, { privateKey }: SigningKey): Promise<void> {
  const note = await readLastSigned(keyFile);
  if (note === null) return;
  await writeLastSigned(keyFile, cosignNote(note, { name: originOf(note), privateKey }));
}

export type Begun = {
  readonly origin: string;
  readonly vkey: string;
  readonly succeeds: Checkpoint | null;
  /** Where the checkpoint beside the key has been put, of which nothing could be made; else null. */
  readonly putAside: string | null;
};

/**
 * A new incarnation, which names the last checkpoint of the one before: of what the database knows, of the checkpoint beside the
 * key, and of `old`, a note that somebody kept. Rejects with a CheckpointError where that one is not this ledger's.
 */
export async function beginIncarnation(
  pool: Pool,
  ledgerId: number,
  keyFile: string,
  old: string | null,
): Promise<Begun> {
  const { unknown, ...begun } = await inTransaction(pool, async (tx) => {
    await lockSealing(tx, ledgerId);
    const vkeys = await readPublicKeys(tx, ledgerId);
    const key = await readOrMakeKeyFile(keyFile);
    const note = await readLastSigned(keyFile);
    const beside = note === null ? null : openOrNull(note, vkeys, key);
    const given = old === null ? null : openWith(old, vkeys, key);
    const last = await lastOf(tx, ledgerId, vkeys, { given, beside });
    const { origin } = await startIncarnation(tx, ledgerId, last?.note ?? null);
    // A key that the database has forgotten: without it nobody could open what the incarnation goes on from.
    if (last !== null) await addMissingKey(tx, ledgerId, vkeys, last, key);
    const vkey = vkeyOf(origin, key.publicKey);
    await addPublicKey(tx, ledgerId, vkey);
    await forgetRefusal(tx, ledgerId);
    return {
      origin,
      vkey,
      succeeds: last?.checkpoint ?? null,
      unknown: note !== null && !isKnown(beside, vkeys, last),
    };
  });
  // After the commit: without it, and without the new incarnation, the next checkpoint might be a fork.
  return { ...begun, putAside: unknown ? await putLastSignedAside(keyFile) : null };
}

/** Whether the sealer will know it as what was succeeded. */
function isKnown(beside: Signed | null, vkeys: readonly string[], last: Signed | null): boolean {
  if (beside === null) return false;
  return isOpenedBy(beside, vkeys) || beside.checkpoint.origin === last?.checkpoint.origin;
}

async function addMissingKey(
  tx: Transaction,
  ledgerId: number,
  vkeys: readonly string[],
  last: Signed,
  { publicKey }: SigningKey,
): Promise<void> {
  if (!isOpenedBy(last, vkeys)) await addPublicKey(tx, ledgerId, vkeyOf(last.checkpoint.origin, publicKey));
}

function isOpenedBy({ note }: Signed, vkeys: readonly string[]): boolean {
  return vkeys.length > 0 && openOrNull(note, vkeys, null) !== null;
}

/** What a new incarnation goes on from; null where nothing was ever signed. */
async function lastOf(
  tx: Transaction,
  ledgerId: number,
  vkeys: readonly string[],
  { given, beside }: { given: Signed | null; beside: Signed | null },
): Promise<Signed | null> {
  const incarnations = await readIncarnations(tx, ledgerId);
  const stored = await lastStored(tx, ledgerId, vkeys, incarnations);
  // An incarnation that the database has forgotten came after all that it knows.
  const forgotten =
    beside !== null && incarnations.every(({ origin }) => origin !== beside.checkpoint.origin);
  const first = given ?? (forgotten ? beside : stored) ?? beside;
  return [stored, beside].reduce((most, one) => larger(most, one), first);
}

/** The larger of two of one origin; where they are of two, the first. */
function larger(most: Signed | null, one: Signed | null): Signed | null {
  if (most === null || one === null || most.checkpoint.origin !== one.checkpoint.origin) return most;
  return one.checkpoint.size > most.checkpoint.size ? one : most;
}

/** The last checkpoint of the latest incarnation that has one. What an incarnation without goes on from is still to be named. */
async function lastStored(
  tx: Transaction,
  ledgerId: number,
  vkeys: readonly string[],
  incarnations: readonly Incarnation[],
): Promise<Signed | null> {
  for (const { number, succeeds } of incarnations) {
    const note = (await readLastCheckpoint(tx, ledgerId, number))?.note ?? succeeds;
    const signed = note === null ? null : openOrNull(note, vkeys, null);
    if (signed !== null) return signed;
  }
  return null;
}

function openOrNull(note: string, vkeys: readonly string[], key: SigningKey | null): Signed | null {
  try {
    return openWith(note, vkeys, key);
  } catch (error) {
    if (error instanceof CheckpointError) return null;
    throw error;
  }
}

/** With the keys that the database knows, and with the one at hand. */
function openWith(note: string, vkeys: readonly string[], key: SigningKey | null): Signed {
  const origin = originOf(note);
  const isName = /^[^\s+]+$/u.test(origin);
  const own = key === null || !isName ? [] : [vkeyOf(origin, key.publicKey)];
  return { note, checkpoint: openCheckpoint(note, [...vkeys, ...own]) };
}

function originOf(note: string): string {
  return note.slice(0, Math.max(0, note.indexOf('\n')));
}
