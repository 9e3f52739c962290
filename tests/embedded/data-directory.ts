import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { chmod, mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import pg from 'pg';
import { createDeadline, waitFor } from '../../src/db/embedded/deadline.ts';
import {
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
  openEmbeddedPostgres,
} from '../../src/db/embedded/embedded-postgres.ts';
import { findProcess } from '../../src/db/embedded/process-identity.ts';
import { removeDataDir } from '../../src/db/embedded/throwaway-postgres.ts';

// What has to be undone before a data directory can be removed, the latest first: hooks run in the order of
// their registration, which would remove the directory before the server on it is closed.
const undoneFirst = new Map<string, (() => Promise<unknown>)[]>();

/** An empty directory to start a server on. After the test, what still runs on it is killed, and it is removed. */
export async function makeDataDir(t: TestContext, mode = 0o711): Promise<string> {
  const dataDir = await mkdtemp(join(tmpdir(), 'coffer-test-'));
  await chmod(dataDir, mode);
  const undo: (() => Promise<unknown>)[] = [];
  undoneFirst.set(dataDir, undo);
  t.after(async () => {
    for (const step of undo.toReversed()) await step();
    const pid = await findPostmaster(dataDir);
    if (pid !== undefined) await killAll(pid, 'SIGKILL');
    await removeDataDir(dataDir);
  });
  return dataDir;
}

/** Opens a server in this process; it is closed at the latest when the directory is removed. */
export async function open(
  dataDir: string,
  options: Partial<EmbeddedPostgresOptions> = {},
): Promise<EmbeddedPostgres> {
  const server = await openEmbeddedPostgres({ dataDir, mode: 'serve', log: () => {}, ...options });
  undoneFirst.get(dataDir)?.push(() => server.close());
  return server;
}

/** Runs one statement on a connection of its own. */
export async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000 });
  client.on('error', () => {});
  await client.connect();
  try {
    const result = await client.query<Record<string, unknown>>(sql);
    return result.rows;
  } finally {
    await client.end();
  }
}

/** The directory of a data directory's cluster, wherever that is kept. */
export async function clusterOf(dataDir: string): Promise<string> {
  const { home } = JSON.parse(await readFile(join(dataDir, 'cluster.json'), 'utf8')) as { home: string };
  return join(home.startsWith('/') ? home : join(dataDir, home), 'cluster');
}

/** The pid of the server's first process, if it runs. */
export async function findPostmaster(dataDir: string): Promise<number | undefined> {
  try {
    const cluster = await clusterOf(dataDir);
    const pid = Number((await readFile(join(cluster, 'postmaster.pid'), 'utf8')).split('\n')[0]);
    return findProcess(pid)?.command.includes(cluster) ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** Sends a signal to the server's first process and all its children, and waits until they are gone. */
export async function killAll(postmaster: number, signal: NodeJS.Signals): Promise<void> {
  const pids = [postmaster, ...childrenOf(postmaster)];
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // A child may have ended with its parent.
    }
  }
  await eventually('the server is gone', () => pids.every((pid) => findProcess(pid) === undefined));
}

/** The processes started by this one. */
export function childrenOf(parent: number): number[] {
  if (process.platform !== 'linux') {
    const list = execFileSync('ps', ['-axo', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n');
    const pairs = list.map((line) => line.trim().split(/\s+/).map(Number));
    return pairs.filter(([, ppid]) => ppid === parent).map(([pid = 0]) => pid);
  }
  const pids = readdirSync('/proc').map(Number).filter(Number.isInteger);
  return pids.filter((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === parent;
    } catch {
      return false;
    }
  });
}

/** Waits until the condition holds, at most 20 s. */
export async function eventually(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  await waitFor(createDeadline(20_000), what, async () => ((await holds()) ? true : undefined));
}

export type Serving = { pid: number; url: string; exited: Promise<number | NodeJS.Signals> };

/**
 * Starts another process, in a process group of its own, that opens the server until it gets a signal.
 * With `killAfterMs` it gets SIGKILL that long after its start; rejects if it has not been ready before.
 */
export async function serveInProcess(
  dataDir: string,
  mode: 'serve' | 'attach' = 'serve',
  options: { killAfterMs?: number } = {},
): Promise<Serving> {
  const script = join(import.meta.dirname, 'serving-process.ts');
  const child = spawn(process.execPath, [script, dataDir, mode], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
    ...(options.killAfterMs === undefined ? {} : { timeout: options.killAfterMs, killSignal: 'SIGKILL' }),
  });
  const exited = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
  undoneFirst.get(dataDir)?.push(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  const [line] = (await Promise.race([
    once(createInterface(child.stdout), 'line'),
    exited.then((status) => Promise.reject(new Error(`the serving process ended with ${status}`))),
  ])) as [string];
  return { pid: child.pid!, url: line, exited };
}
