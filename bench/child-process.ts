// Every system and every generator is a process of its own: what is measured shares no event loop and no
// heap with what measures it.

import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const STOP_TIMEOUT_MS = 15_000;
const TAIL_CHARACTERS = 4_000;

export type RunningProcess = {
  pid: number;
  /** The last of what it printed, for the message when something goes wrong. */
  tail(): string;
  hasExited(): boolean;
  /** SIGTERM, and SIGKILL when that isn't obeyed in time. Answers the exit code, or null after a kill. */
  stop(): Promise<number | null>;
};

export type ProcessStart = { command: string; args: string[]; env: NodeJS.ProcessEnv };

export function startProcess({ command, args, env }: ProcessStart): RunningProcess {
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  endWithThisProcess(child);
  const tail = keepTail(child);
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.once('error', () => undefined);
  return {
    pid: child.pid ?? -1,
    tail,
    hasExited: () => child.exitCode !== null || child.signalCode !== null || child.pid === undefined,
    async stop() {
      if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) {
        child.kill('SIGTERM');
        const killer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
        await exited;
        clearTimeout(killer);
      }
      return child.exitCode;
    },
  };
}

/** However this process ends, what it started doesn't outlive it. */
function endWithThisProcess(child: ChildProcess): void {
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('exit', () => process.off('exit', kill));
}

function keepTail(child: ChildProcess): () => string {
  let kept = '';
  const keep = (chunk: Buffer) => {
    kept = (kept + chunk.toString()).slice(-TAIL_CHARACTERS);
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  return () => kept;
}

/** Runs a program to its end. Rejects only when it can't be started. */
export async function runToEnd(
  command: string,
  args: string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<{ code: number | null; output: string }> {
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  endWithThisProcess(child);
  let output = '';
  const collect = (chunk: Buffer) => {
    output += chunk.toString();
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  await once(child, 'close');
  return { code: child.exitCode, output };
}

/** Starts a module in a process of its own, hands it one message and returns the one it sends back. */
export async function askProcess<Answer>(module: URL, message: object): Promise<Answer> {
  const child = fork(module, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  endWithThisProcess(child);
  const tail = keepTail(child);
  return await new Promise<Answer>((resolve, reject) => {
    child.once('message', (answer) => resolve(answer as Answer));
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${module.pathname} exited with ${code}: ${tail()}`)));
    child.send(message);
  });
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

export type Wait = { process: RunningProcess; url: string; timeoutMs: number };

/** Polls until the address answers 200, or the process has died, or the time is up. */
export async function waitUntilReady({ process, url, timeoutMs }: Wait): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (performance.now() < deadline) {
    if (process.hasExited()) throw new Error(`the process died before it was ready:\n${process.tail()}`);
    const answered = await fetch(url).then(
      async (response) => {
        await response.arrayBuffer();
        return response.ok;
      },
      () => false,
    );
    if (answered) return;
    await sleep(10);
  }
  throw new Error(`${url} did not answer 200 within ${timeoutMs} ms:\n${process.tail()}`);
}
