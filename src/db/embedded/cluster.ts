import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Binaries, findInstalledBinaries, prepareBinaries } from './binaries.ts';
import { chooseHome, readClusterRecord, resolveHome, writeClusterRecord } from './cluster-home.ts';
import type { Deadline } from './deadline.ts';
import { initialiseCluster } from './initdb.ts';
import { readOrCreatePassword } from './password.ts';
import { canEnter, chooseServerUser, isRoot, type ServerUser } from './server-user.ts';

/** A database cluster that can be started, and all that is needed to do so. */
export type Cluster = {
  dataDir: string;
  directory: string;
  binaries: Binaries;
  user: ServerUser | undefined;
  password: string;
};

/**
 * The cluster of a data directory, created if the directory is new. Must not run twice at a time on one
 * directory. Throws when the cluster was there once and is gone, is of another version, or out of reach.
 */
export async function prepareCluster(
  dataDir: string,
  deadline: Deadline,
  log: (message: string) => void,
): Promise<Cluster> {
  const installed = findInstalledBinaries();
  const record = await readClusterRecord(dataDir);
  const recordedHome = resolveHome(dataDir, record?.home);
  const exists = existsSync(join(recordedHome, 'cluster', 'PG_VERSION'));
  if (record?.initialised === true && !exists) throw new ClusterMissingError(dataDir, recordedHome);

  const user = exists ? await ownerOf(join(recordedHome, 'cluster')) : chooseUser(log);
  const home = exists ? recordedHome : await chooseHome(dataDir, user, record?.home);
  const password = await readOrCreatePassword(dataDir, { mayCreate: !exists });
  const directory = join(home, 'cluster');
  const binaries = await prepareBinaries(installed, user, home, log);

  if (exists) {
    await checkExisting(directory, binaries, user);
  } else {
    log(`Creating a PostgreSQL ${binaries.version} database cluster in ${directory}`);
    await initialiseCluster({ home, directory, binaries, user, password, deadline });
  }
  if (record?.initialised !== true) await writeClusterRecord(dataDir, { home, initialised: true });
  return { dataDir, directory, binaries, user, password };
}

/** The cluster a data directory refers to no longer exists: starting an empty one would look like lost money. */
export class ClusterMissingError extends Error {
  constructor(dataDir: string, home: string) {
    super(
      `The database of ${dataDir} is gone: it was kept in ${home}, where there is none now. ` +
        `Put it back from a backup; or, to start with an empty ledger, remove ${dataDir}.`,
    );
    this.name = 'ClusterMissingError';
  }
}

function chooseUser(log: (message: string) => void): ServerUser | undefined {
  if (!isRoot()) return undefined;
  const user = chooseServerUser();
  log(`PostgreSQL does not run as root: it runs as the user ${user.name}`);
  return user;
}

// The server must run as the owner of its files. For root that settles who: whoever ran it before.
async function ownerOf(directory: string): Promise<ServerUser | undefined> {
  const { uid, gid } = await stat(directory);
  if (isRoot()) return { name: `user ${uid}`, uid, gid };
  if (process.getuid !== undefined && process.getuid() !== uid) {
    throw new Error(
      `The database in ${directory} belongs to user ${uid}. Start Coffer as that user or as root, ` +
        'or set COFFER_DATA_DIR to another directory.',
    );
  }
  return undefined;
}

async function checkExisting(
  directory: string,
  binaries: Binaries,
  user: ServerUser | undefined,
): Promise<void> {
  if (user !== undefined && !canEnter(user, directory)) {
    throw new Error(
      `The database server runs as ${user.name}, who can no longer enter ${directory}. ` +
        'Give that user the right to pass through the directories above it (chmod o+x).',
    );
  }
  const made = (await readFile(join(directory, 'PG_VERSION'), 'utf8')).trim();
  const brought = binaries.version.split('.')[0];
  if (made === brought) return;
  throw new Error(
    `The database in ${directory} was made by PostgreSQL ${made}, this version of Coffer brings ${brought}. ` +
      'Carry the data over with pg_upgrade or dump and restore.',
  );
}
