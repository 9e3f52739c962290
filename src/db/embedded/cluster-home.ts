import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, rmdir } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { replaceFile } from './durable-file.ts';
import { canEnter, type ServerUser } from './server-user.ts';

// The home holds the cluster, and a copy of the programs if one is needed. It lies in the data directory
// unless the server's account cannot get there (root's own directories are closed to others). Then it
// lies elsewhere and the data directory only says where, so that COFFER_DATA_DIR stays all one has to name.

export type ClusterRecord = { home: string; initialised: boolean };

const localHome = 'postgres';
const elsewhere = '/var/lib/coffer';

/** What the data directory says of its cluster, or undefined if it is new. */
export async function readClusterRecord(dataDir: string): Promise<ClusterRecord | undefined> {
  const path = join(dataDir, 'cluster.json');
  try {
    const { home, initialised } = JSON.parse(await readFile(path, 'utf8')) as Partial<ClusterRecord>;
    if (typeof home !== 'string') throw new Error(`${path} does not name the home of the database`);
    return { home, initialised: initialised === true };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Records the cluster; a home inside the data directory is kept relative, so that it can be moved. */
export async function writeClusterRecord(
  dataDir: string,
  { home, initialised }: ClusterRecord,
): Promise<void> {
  const inside = relative(dataDir, home);
  const portable = inside.startsWith('..') || isAbsolute(inside) ? home : inside;
  const record = JSON.stringify({ home: portable, initialised });
  await replaceFile(join(dataDir, 'cluster.json'), `${record}\n`);
}

/** The absolute path of a recorded home; without a record, the one in the data directory. */
export function resolveHome(dataDir: string, recorded: string | undefined): string {
  return resolve(dataDir, recorded ?? localHome);
}

/**
 * Makes and records the home of a cluster that is yet to be created, at a place `user` (undefined:
 * ourselves) can enter. Throws when there is none.
 */
export async function chooseHome(
  dataDir: string,
  user: ServerUser | undefined,
  recorded: string | undefined,
): Promise<string> {
  const outside = join(elsewhere, randomBytes(6).toString('hex'));
  const candidates = [recorded ?? localHome, localHome, ...(user === undefined ? [] : [outside])];
  for (const candidate of candidates) {
    const home = resolve(dataDir, candidate);
    if (await makeHome(home, user)) {
      await writeClusterRecord(dataDir, { home, initialised: false });
      return home;
    }
  }
  throw new Error(
    `PostgreSQL does not run as root, and the user it would run as (${user?.name}) can enter neither ${dataDir} ` +
      `nor ${elsewhere}. Set COFFER_DATA_DIR to a directory that others may pass through (chmod o+x).`,
  );
}

// Run by root, the home stays root's and lets others pass: the cluster in it belongs to the server's user.
async function makeHome(home: string, user: ServerUser | undefined): Promise<boolean> {
  const mode = user === undefined ? 0o700 : 0o711;
  const made = [];
  for (const directory of [dirname(home), home]) {
    if (await makeDirectory(directory, mode)) made.unshift(directory);
  }
  if (user === undefined || canEnter(user, home)) return true;
  for (const directory of made) await rmdir(directory).catch(() => {});
  return false;
}

// Answers whether the directory is new. Only then is its mode set: what was there before is not ours.
async function makeDirectory(path: string, mode: number): Promise<boolean> {
  const isNew = (await mkdir(path, { recursive: true })) !== undefined;
  // Not left to mkdir, which the umask would restrict.
  if (isNew) await chmod(path, mode);
  return isNew;
}
