import { spawnSync } from 'node:child_process';

// PostgreSQL refuses to run as root. Started by root, the server therefore runs under another account.
// Whether that account can really run programs and reach a directory is found out by doing it: rights
// depend on every directory above, on access lists and on the container's user mapping.

export type ServerUser = { name: string; uid: number; gid: number };

const commandTimeoutMs = 10_000;

/** Whether this process has to hand the server to another account. */
export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/**
 * The account for the server when root starts it: the first of `names` that exists and can be used; if
 * none of `preferred` exists, a system account `created` is made first. Throws when there is none.
 */
export function chooseServerUser(
  preferred: readonly string[] = ['postgres', 'coffer'],
  created = 'coffer',
  lastResort = 'nobody',
): ServerUser {
  const existing = firstUsable(preferred);
  if (existing !== undefined) return existing;
  createSystemUser(created);
  const user = firstUsable([created, lastResort]);
  if (user !== undefined) return user;
  throw new Error(
    'PostgreSQL does not run as root, and no other account can be used: there is no user ' +
      `${[...preferred, lastResort].join(', ')}, and none could be created. ` +
      'Start Coffer as an ordinary user, or set DATABASE_URL.',
  );
}

/** The account with this name, if it exists and this process may run programs as it. */
export function findServerUser(name: string): ServerUser | undefined {
  const uid = idOf('-u', name);
  const gid = idOf('-g', name);
  if (uid === undefined || gid === undefined || uid === 0) return undefined;
  const user = { name, uid, gid };
  return runsAs(user, ':') ? user : undefined;
}

/** Whether `user` can enter the directory, with all that lies above it. */
export function canEnter(user: ServerUser | undefined, directory: string): boolean {
  return runsAs(user, 'cd "$1"', directory);
}

/** The options that make a child process run as `user`; without supplementary groups. */
export function asUser(user: ServerUser | undefined): { uid?: number; gid?: number } {
  return user === undefined ? {} : { uid: user.uid, gid: user.gid };
}

function firstUsable(names: readonly string[]): ServerUser | undefined {
  for (const name of names) {
    const user = findServerUser(name);
    if (user !== undefined) return user;
  }
  return undefined;
}

function idOf(option: '-u' | '-g', name: string): number | undefined {
  const result = spawnSync('id', [option, name], { encoding: 'utf8', timeout: commandTimeoutMs });
  return result.status === 0 ? Number(result.stdout.trim()) : undefined;
}

function runsAs(user: ServerUser | undefined, script: string, argument = ''): boolean {
  const options = { cwd: '/', stdio: 'ignore', timeout: commandTimeoutMs, ...asUser(user) } as const;
  return spawnSync('/bin/sh', ['-c', script, 'sh', argument], options).status === 0;
}

// Each family of systems has its own command; the first that works is enough.
function createSystemUser(name: string): void {
  const attempts: [string, string[]][] = [
    ['useradd', ['--system', '--user-group', '--no-create-home', '--shell', '/bin/false', name]],
    ['adduser', ['-S', '-D', '-H', '-s', '/bin/false', name]],
  ];
  for (const [command, args] of attempts) {
    const result = spawnSync(command, args, { stdio: 'ignore', timeout: commandTimeoutMs });
    if (result.status === 0) return;
  }
}
