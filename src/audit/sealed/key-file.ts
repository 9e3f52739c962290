/**
 * The private key that signs checkpoints: PKCS #8 in PEM, in a file that only its owner may read. It is never in the database, so
 * that whoever can rewrite the log cannot sign what he made of it.
 */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  type KeyObject,
} from 'node:crypto';
import { constants } from 'node:fs';
import { link, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncDirectory } from '../../db/embedded/durable-file.ts';

const OTHERS = 0o077;
const MAX_FILE_BYTES = 10_000;

/** The file is there and cannot be used. The message says why, and what to do. */
export class KeyFileError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'KeyFileError';
  }
}

export type SigningKey = { readonly privateKey: KeyObject; readonly publicKey: KeyObject };

/** Null when there is no such file. Rejects with a KeyFileError for one that cannot be used. */
export async function readKeyFile(path: string): Promise<SigningKey | null> {
  const pem = await readPrivately(path);
  if (pem === null) return null;
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey(pem);
  } catch {
    throw new KeyFileError(`${path} holds no private key in PEM.`);
  }
  if (privateKey.asymmetricKeyType !== 'ed25519') {
    throw new KeyFileError(
      `${path} holds a key of type ${privateKey.asymmetricKeyType}; checkpoints are signed with Ed25519.`,
    );
  }
  return { privateKey, publicKey: createPublicKey(privateKey) };
}

/** Makes the file unless it is there. Of two processes that start at once one makes it, and both have the same key. */
export async function readOrMakeKeyFile(path: string): Promise<SigningKey> {
  const found = await readKeyFile(path);
  if (found !== null) return found;
  const key = newKey();
  const partial = `${path}.${randomBytes(6).toString('hex')}.partial`;
  await writeKeyFile(partial, key);
  try {
    // Unlike a rename, a link does not replace what another process has made meanwhile; and what has the name is whole.
    await link(partial, path);
    await syncDirectory(dirname(path));
    return key;
  } catch (error) {
    const made = isSystemError(error, 'EEXIST') ? await readKeyFile(path) : null;
    if (made === null) throw error;
    return made;
  } finally {
    await rm(partial, { force: true });
  }
}

/** A new key, in no file yet. */
export function newKey(): SigningKey {
  return generateKeyPairSync('ed25519');
}

/** Makes a file of it that must not be there yet. */
export async function writeKeyFile(path: string, key: SigningKey): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(key.privateKey.export({ format: 'pem', type: 'pkcs8' }));
    await file.sync();
  } finally {
    await file.close();
  }
}

/** The key of one file takes the place of that of the other, at once or not at all. */
export async function installKeyFile(from: string, to: string): Promise<void> {
  await rename(from, to);
  await syncDirectory(dirname(to));
}

/** Mode and content of one and the same file. */
async function readPrivately(path: string): Promise<string | null> {
  let file;
  try {
    // A named pipe would otherwise be waited for.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return null;
    throw new KeyFileError(
      `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  try {
    const { mode, size } = await file.stat();
    if ((mode & constants.S_IFMT) !== constants.S_IFREG || size > MAX_FILE_BYTES) {
      throw new KeyFileError(`${path} is no file with a key in it.`);
    }
    // Windows has no such modes.
    if (process.platform !== 'win32' && (mode & OTHERS) !== 0) {
      const octal = (mode & 0o777).toString(8).padStart(4, '0');
      throw new KeyFileError(
        `${path} is readable or writable by others (mode ${octal}). Whoever has read it can sign in this ledger's name. ` +
          `Take their rights away with chmod 600, and if they may have used them, run \`coffer audit rotate-key\`.`,
      );
    }
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

function isSystemError(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
