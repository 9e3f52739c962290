import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Deadline, waitFor } from './deadline.ts';
import { isRunning, ownIdentity, type ProcessIdentity } from './process-identity.ts';

// Who uses a data directory is written down as one empty file per user, named for the process:
// <kind>.<pid>.<start time>.<random>. All that is known of it is in the name, so a claim cannot be read
// half written. A claim is removed by the process that made it, or by anyone once that process is dead;
// as a dead process stays dead and names never repeat, clearing up can't hit somebody's fresh claim, the
// classic flaw of taking over a stale lock file.

export type ClaimKind = 'serve' | 'attach' | 'lock';
export type Claim = ProcessIdentity & { kind: ClaimKind; name: string };

export type Claims = {
  add(kind: ClaimKind): Promise<Claim>;
  remove(claim: Claim): Promise<void>;
  /** Claims of living processes; those of dead ones are cleared away. */
  living(): Promise<Claim[]>;
  /** Runs `work` while no other process, and no other caller in this one, is inside `exclusively`. */
  exclusively<T>(deadline: Deadline, work: () => Promise<T>): Promise<T>;
};

/** The claims on a data directory, which must exist. */
export async function openClaims(dataDir: string): Promise<Claims> {
  const claimsDir = join(dataDir, 'processes');
  await mkdir(claimsDir, { recursive: true, mode: 0o700 });
  const own = ownIdentity();

  const add = async (kind: ClaimKind): Promise<Claim> => {
    const name = `${kind}.${own.pid}.${own.started}.${randomBytes(4).toString('hex')}`;
    await writeFile(join(claimsDir, name), '', { flag: 'wx', mode: 0o600 });
    return { ...own, kind, name };
  };

  const remove = (claim: Claim) => rm(join(claimsDir, claim.name), { force: true });

  const living = async (): Promise<Claim[]> => {
    const found: Claim[] = [];
    for (const name of await readdir(claimsDir)) {
      const claim = parseClaim(name);
      if (claim === undefined) continue;
      if (isRunning(claim)) found.push(claim);
      else await remove(claim);
    }
    return found;
  };

  // Two contenders may each see the other and both step back, but never miss each other: the one whose
  // file was created last lists the directory after both exist.
  const tryLock = async (): Promise<Claim | undefined> => {
    if ((await living()).some((claim) => claim.kind === 'lock')) return undefined;
    const mine = await add('lock');
    const others = (await living()).filter((claim) => claim.kind === 'lock' && claim.name !== mine.name);
    if (others.length === 0) return mine;
    await remove(mine);
    return undefined;
  };

  const exclusively = async <T>(deadline: Deadline, work: () => Promise<T>): Promise<T> => {
    const waitingFor = `another process starts or stops the database in ${dataDir}`;
    // An irregular pause, so that two contenders do not step back in step for ever.
    const lock = await waitFor(deadline, waitingFor, tryLock, 10 + Math.random() * 40);
    try {
      return await work();
    } finally {
      await remove(lock);
    }
  };

  return { add, remove, living, exclusively };
}

function parseClaim(name: string): Claim | undefined {
  const [kind, pid, started] = name.split('.');
  if (kind !== 'serve' && kind !== 'attach' && kind !== 'lock') return undefined;
  if (pid === undefined || started === undefined) return undefined;
  return { kind, pid: Number(pid), started, name };
}
