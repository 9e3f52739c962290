/**
 * The last checkpoint that was signed with a key, kept beside the key. A database that is restored from a backup forgets what was
 * signed after it; going on from there would sign a fork of the log.
 */
import { readFile } from 'node:fs/promises';
import { replaceFile } from '../../db/embedded/durable-file.ts';
import { CheckpointError, openCheckpoint, type Checkpoint } from './checkpoint.ts';

export function lastSignedFile(keyFile: string): string {
  return `${keyFile}.checkpoint`;
}

export async function writeLastSigned(keyFile: string, note: string): Promise<void> {
  await replaceFile(lastSignedFile(keyFile), note);
}

/** Null when there is none of this ledger. */
export async function readLastSigned(keyFile: string, vkeys: readonly string[]): Promise<Checkpoint | null> {
  const note = await readLastSignedNote(keyFile);
  if (note === null) return null;
  try {
    return openCheckpoint(note, vkeys);
  } catch (error) {
    if (error instanceof CheckpointError) return null;
    throw error;
  }
}

export async function readLastSignedNote(keyFile: string): Promise<string | null> {
  try {
    return await readFile(lastSignedFile(keyFile), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}
