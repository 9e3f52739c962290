import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Binaries, serverEnvironment } from './binaries.ts';
import type { Deadline } from './deadline.ts';
import { syncDirectory } from './durable-file.ts';
import { asUser, type ServerUser } from './server-user.ts';

export type NewCluster = {
  home: string;
  directory: string;
  binaries: Binaries;
  user: ServerUser | undefined;
  password: string;
  deadline: Deadline;
};

const stagingPrefix = 'initdb-';

/**
 * Creates a database cluster at `directory`, inside `home`, with the superuser `coffer`. It is made in a
 * directory beside it and renamed when whole and on disk, so an interrupted attempt leaves nothing
 * that could be taken for a cluster; the next one clears it away.
 */
export async function initialiseCluster(cluster: NewCluster): Promise<void> {
  const { home, directory, user } = cluster;
  await removeInterrupted(home);
  const staging = join(home, `${stagingPrefix}${randomBytes(4).toString('hex')}`);
  const passwordFile = join(staging, 'password');
  try {
    await mkdir(staging, { mode: 0o700 });
    await writeFile(passwordFile, `${cluster.password}\n`, { mode: 0o600 });
    if (user !== undefined) {
      await chown(passwordFile, user.uid, user.gid);
      await chown(staging, user.uid, user.gid);
    }
    await runInitdb(cluster, join(staging, 'cluster'), passwordFile);
    await rename(join(staging, 'cluster'), directory);
    await syncDirectory(home);
  } finally {
    await removeDirectory(staging);
  }
}

async function removeInterrupted(home: string): Promise<void> {
  const names = await readdir(home);
  const stale = names.filter((name) => name.startsWith(stagingPrefix));
  await Promise.all(stale.map((name) => removeDirectory(join(home, name))));
}

// An initdb that outlived a killed parent may still be writing there for a moment; what is left then is
// removed the next time.
async function removeDirectory(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 3 }).catch(() => {});
}

async function runInitdb(cluster: NewCluster, target: string, passwordFile: string): Promise<void> {
  const { binaries, user, deadline } = cluster;
  const child = spawn(
    join(binaries.directory, 'bin', 'initdb'),
    [
      ...['--pgdata', target, '--username', 'coffer', '--pwfile', passwordFile, '--auth', 'scram-sha-256'],
      // Built into PostgreSQL: the same order of text on every system, and no locale has to be installed.
      ...[
        '--encoding',
        'UTF8',
        '--locale',
        'C',
        '--locale-provider',
        'builtin',
        '--builtin-locale',
        'C.UTF-8',
      ],
      '--no-instructions',
    ],
    // In a session of its own: Ctrl-C is for us to handle, not for initdb to die of halfway.
    { cwd: '/', detached: true, env: serverEnvironment, stdio: ['ignore', 'pipe', 'pipe'], ...asUser(user) },
  );
  let output = '';
  const keep = (chunk: Buffer) => (output = (output + chunk.toString()).slice(-4000));
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const timer = setInterval(() => stopWhenLate(deadline, () => child.kill('SIGTERM')), 100);
  try {
    const status = await new Promise<number | string | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve(code ?? signal));
    });
    deadline.check('initdb creates the database cluster');
    if (status !== 0) throw new Error(`initdb failed (${status}):\n${output.trim()}`);
  } finally {
    clearInterval(timer);
  }
}

function stopWhenLate(deadline: Deadline, stop: () => void): void {
  try {
    deadline.check('initdb');
  } catch {
    stop();
  }
}
