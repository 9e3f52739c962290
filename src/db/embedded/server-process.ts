import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { serverEnvironment } from './binaries.ts';
import type { Cluster } from './cluster.ts';
import { createDeadline, type Deadline, waitFor } from './deadline.ts';
import { chooseLoopbackPort } from './loopback-port.ts';
import { findProcess, isRunning, type ProcessIdentity } from './process-identity.ts';
import { openServerLog } from './server-log.ts';
import { asUser } from './server-user.ts';

/** A server process on a cluster: its first process, and the port it listens on at 127.0.0.1. */
export type Server = ProcessIdentity & { port: number };

type Start = {
  readonly deadline: Deadline;
  readonly log: (message: string) => void;
  /** Where a new one has to listen, since others know it by that; without, where it did last, or anywhere. */
  readonly port?: number;
};

/**
 * The server of this cluster, accepting connections: the one that runs already (left behind by a killed
 * process, or shared), otherwise a new one, which first recovers what a crash left unfinished.
 * Throws, with the end of the server's log, when it does not start.
 */
export async function ensureServer(cluster: Cluster, { deadline, log, port }: Start): Promise<Server> {
  for (;;) {
    const server = await waitUntilReadyOrGone(cluster, deadline);
    if (server !== undefined) return server;
    const failure = await launch(cluster, deadline, port);
    if (failure === undefined) continue;
    // The port was taken after it was found free, or processes of a killed server are still ending.
    if (!/could not bind|shared memory block/.test(failure)) {
      throw new Error(`The embedded PostgreSQL server did not start:\n${failure}`);
    }
    log(`The embedded PostgreSQL server did not start, trying again: ${failure}`);
    const pause = createDeadline(200);
    await waitFor(deadline, `the server starts: ${failure}`, () =>
      pause.remainingMs() === 0 ? true : undefined,
    );
  }
}

/** The server that runs on this cluster, ready or not. */
export function findServer(cluster: Cluster): Server | undefined {
  const noted = readPidFile(cluster);
  const found = noted === undefined ? undefined : findProcess(noted.pid);
  // The pid may by now belong to another program.
  if (noted === undefined || !found?.command.includes(` -D ${cluster.directory} `)) return undefined;
  return { pid: found.pid, started: found.started, port: noted.port };
}

const KILL_MS = 5000;

/**
 * Stops a server within about `limitMs`: sessions are ended and everything is written out; if that takes
 * too long it is made to stop at once, which costs a recovery at the next start but no data.
 */
export async function stopServer(server: Server, limitMs: number): Promise<void> {
  const steps = [
    { signal: 'SIGINT', waitMs: limitMs * 0.75 },
    { signal: 'SIGQUIT', waitMs: limitMs * 0.25 },
    // Nothing can refuse this one; a busy machine only takes a while to carry it out.
    { signal: 'SIGKILL', waitMs: KILL_MS },
  ] as const;
  for (const { signal, waitMs } of steps) {
    if (!isRunning(server)) return;
    sendSignal(server.pid, signal);
    const step = createDeadline(waitMs);
    await waitFor(step, 'the server stops', () => (isRunning(server) ? undefined : true)).catch(() => {});
  }
  if (isRunning(server)) throw new Error(`The PostgreSQL server (process ${server.pid}) cannot be stopped`);
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It ended in between.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function waitUntilReadyOrGone(cluster: Cluster, deadline: Deadline): Promise<Server | undefined> {
  const answer = await waitFor(deadline, 'the PostgreSQL server becomes ready', () => {
    const server = findServer(cluster);
    if (server === undefined) return 'gone';
    return readPidFile(cluster)?.status === 'ready' ? server : undefined;
  });
  return answer === 'gone' ? undefined : answer;
}

// Starts the server and waits until it is ready, or answers with what it said when it ended instead.
async function launch(
  cluster: Cluster,
  deadline: Deadline,
  wanted: number | undefined,
): Promise<string | undefined> {
  const stale = readPidFile(cluster);
  await removeMisleadingPidFile(cluster);
  // The port of a server that was killed comes first: others may still hold its address.
  const port = wanted ?? (await chooseLoopbackPort(stale?.port));
  const serverLog = openServerLog(cluster.dataDir);
  // In a session of its own, so that a signal to our process group (Ctrl-C) does not reach it: it must stop
  // last. No Unix socket: it would lie in a directory shared with others.
  const child = spawn(
    join(cluster.binaries.directory, 'bin', 'postgres'),
    [
      '-D',
      cluster.directory,
      '-p',
      String(port),
      '-c',
      'listen_addresses=127.0.0.1',
      '-c',
      'unix_socket_directories=',
      // Details quote values, such as an e-mail that exists already.
      '-c',
      'log_error_verbosity=terse',
    ],
    {
      cwd: '/',
      detached: true,
      env: serverEnvironment,
      stdio: ['ignore', serverLog.fd, serverLog.fd],
      ...asUser(cluster.user),
    },
  );
  serverLog.close();
  // Whether we are still here to be its parent must make no difference to the server, nor it to us.
  child.unref();
  let failure: string | undefined;
  child.once('error', (error) => (failure = error.message));
  child.once('exit', (code, signal) => (failure = `it ended with ${signal ?? code}`));
  try {
    await waitFor(deadline, `the server starts; see ${serverLog.path}`, () => {
      const noted = readPidFile(cluster);
      return failure !== undefined || (noted?.pid === child.pid && noted?.status === 'ready')
        ? true
        : undefined;
    });
  } catch (error) {
    child.kill('SIGINT');
    throw error;
  }
  return failure === undefined ? undefined : serverLog.newLines() || failure;
}

// Lines of postmaster.pid: 1 pid, 2 directory, 3 start, 4 port, ..., 8 status.
function readPidFile(cluster: Cluster): { pid: number; port: number; status: string } | undefined {
  try {
    const lines = readFileSync(join(cluster.directory, 'postmaster.pid'), 'utf8').split('\n');
    return { pid: Number(lines[0]), port: Number(lines[3]), status: (lines[7] ?? '').trim() };
  } catch {
    return undefined;
  }
}

// PostgreSQL refuses to start while the pid in this file is taken: after a reboot perhaps by any program of
// its user, or, in a container whose first process does not collect orphans, by the killed server's own
// remains. A pid that is free is left for it to judge.
async function removeMisleadingPidFile(cluster: Cluster): Promise<void> {
  const pid = readPidFile(cluster)?.pid ?? 0;
  const isServer = findProcess(pid)?.command.includes('postgres') ?? false;
  if (isTaken(pid) && !isServer) await rm(join(cluster.directory, 'postmaster.pid'), { force: true });
}

function isTaken(pid: number): boolean {
  if (!(pid > 0)) return false;
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
