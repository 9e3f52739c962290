/**
 * The last checkpoint that was signed with a key, kept beside the key. A database that is restored from a backup forgets what was
 * signed after it; going on from there would sign a fork of the log. It is written before the database commits the checkpoint: what
 * anybody may have seen is always known here.
 */
import { readFile, rename } from 'node:fs/promises';
import { replaceFile } from '../../db/embedded/durable-file.ts';
import { KeyFileError } from './key-file.ts';

export function lastSignedFile(keyFile: string): string {
  return `${keyFile}.checkpoint`;
}

/** Rejects with a KeyFileError where it cannot be written: what cannot be kept must not be signed. */
export async function writeLastSigned(keyFile: string, note: string): Promise<void> {
  const file = lastSignedFile(keyFile);
  try {
    await replaceFile(file, note);
  } catch (error) {
    throw new KeyFileError(
      `The last checkpoint cannot be kept in ${file}: ${error instanceof Error ? error.message : String(error)}. ` +
        'Without it a restored database could not be told from the present one, so nothing is signed.',
    );
  }
}

/** Null when there is none. Rejects with a KeyFileError for one that cannot be read. */
export async function readLastSigned(keyFile: string): Promise<string | null> {
  const file = lastSignedFile(keyFile);
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw new KeyFileError(
      `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** Puts aside what is no checkpoint of any key at hand. Resolves to where it is now. */
export async function putLastSignedAside(keyFile: string): Promise<string> {
  const file = lastSignedFile(keyFile);
  const aside = `${file}.unknown`;
  await rename(file, aside);
  return aside;
}
