import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile } from './durable-file.ts';

/**
 * The password of the embedded server, kept in the data directory, readable by its owner only. With
 * `mayCreate` a missing one is made up; otherwise that throws, since the cluster knows another.
 */
export async function readOrCreatePassword(
  dataDir: string,
  options: { mayCreate: boolean },
): Promise<string> {
  const path = join(dataDir, 'password');
  const kept = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  if (kept.trim() !== '') return kept.trim();
  if (!options.mayCreate) {
    throw new Error(`The file ${path} with the database's password is missing. Put it back from a backup.`);
  }
  // Hexadecimal digits need no escaping in a connection string.
  const password = randomBytes(24).toString('hex');
  await replaceFile(path, `${password}\n`);
  return password;
}
