/** Coffer as its users run it: a process of its own, in a process group of its own, spoken to over HTTP. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { removeDataDir } from '../../src/db/embedded/throwaway-postgres.ts';
import { findPostmaster, killAll } from '../embedded/data-directory.ts';
import { until } from './until.ts';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const START_LIMIT_MS = 60_000;
const SHARED_KEY_FILE = join(process.env['COFFER_TEST_KEYS'] ?? tmpdir(), 'processes.pem');

export type Environment = Readonly<Record<string, string>>;

export type Reply = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into bodies of all shapes
  readonly body: any;
};

export type Ended = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

export type CofferProcess = {
  readonly pid: number;
  readonly exited: Promise<Ended>;
  /** Everything it has printed so far, on both channels. */
  output(): string;
  /** Sends a signal to the process alone. */
  signal(name: NodeJS.Signals): void;
  /** Sends a signal to its whole group, as Ctrl-C in a terminal does. */
  signalGroup(name: NodeJS.Signals): void;
};

export type Coffer = CofferProcess & {
  readonly url: string;
  get(path: string, headers?: Environment): Promise<Reply>;
  post(path: string, body: unknown, key?: string): Promise<Reply>;
};

/** Variables of whoever runs the tests must not reach the process. */
function environment(own: Environment): NodeJS.ProcessEnv {
  const foreign = /^(COFFER_|DATABASE_URL$|PORT$|HOST$|LOG_LEVEL$|NODE_TEST|NODE_OPTIONS$|PG|npm_)/;
  const inherited = Object.entries(process.env).filter(([name]) => !foreign.test(name));
  // Not in the sources' own data directory: unless a test gives it one, a process shares a key with all others.
  const key = own['COFFER_DATA_DIR'] === undefined ? { COFFER_AUDIT_KEY_FILE: SHARED_KEY_FILE } : {};
  return { ...Object.fromEntries(inherited), PORT: '0', LOG_LEVEL: 'info', ...key, ...own };
}

/** What a command needs of whoever runs it, and no more; compiled once for all tests where npm runs them. */
export function bareEnvironment(): NodeJS.ProcessEnv {
  const { PATH = '', NODE_COMPILE_CACHE } = process.env;
  return { PATH, ...(NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE }) };
}

const started = new Set<ChildProcess>();

export function spawnCoffer(args: readonly string[], own: Environment, npm = false): CofferProcess {
  const [file, line] = npm ? ['npm', ['start']] : [process.execPath, ['src/main.ts', ...args]];
  const child = spawn(file, line, {
    cwd: ROOT,
    env: environment(own),
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const pid = child.pid!;
  started.add(child);
  let output = '';
  for (const channel of [child.stdout, child.stderr])
    channel.on('data', (chunk) => (output += String(chunk)));
  return {
    pid,
    exited: once(child, 'close').then(([code, signal]) => ({ code, signal })),
    output: () => output,
    signal: (name) => void process.kill(pid, name),
    signalGroup: (name) => void process.kill(-pid, name),
  };
}

/** Starts a process that serves HTTP and waits until it is ready. */
export async function startCoffer(args: readonly string[], own: Environment, npm = false): Promise<Coffer> {
  const running = spawnCoffer(args, own, npm);
  const url = await addressOf(running);
  const coffer = { ...running, url, ...client(url, own['COFFER_ADMIN_KEY']) };
  await until('ready', async () => (await coffer.get('/ready')).status === 200, START_LIMIT_MS);
  return coffer;
}

async function addressOf(running: CofferProcess): Promise<string> {
  const ended = running.exited.then(() => Promise.reject(new Error(`it ended:\n${running.output()}`)));
  const listening = until(
    'it says where it listens',
    () => /listen(?:s on|ing at) (http:\/\/127\.0\.0\.1:\d+)/.exec(running.output())?.[1],
    START_LIMIT_MS,
  );
  return Promise.race([listening, ended]);
}

/** With the key that the process was given, if it was. */
function client(url: string, apiKey: string | undefined): Pick<Coffer, 'get' | 'post'> {
  const authorization: Environment = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
  async function ask(path: string, init: RequestInit): Promise<Reply> {
    const response = await fetch(url + path, init);
    const text = await response.text();
    const isJson = /[/+]json/.test(response.headers.get('content-type') ?? '');
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: isJson ? JSON.parse(text) : null,
    };
  }
  return {
    get: (path, headers = {}) => ask(path, { headers: { ...authorization, ...headers } }),
    post: (path, body, key = randomUUID()) =>
      ask(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': key, ...authorization },
        body: JSON.stringify(body),
      }),
  };
}

export type Finished = Ended & { readonly output: string };

/** Runs a command that ends by itself. */
export async function runCoffer(args: readonly string[], own: Environment): Promise<Finished> {
  const running = spawnCoffer(args, own);
  const ended = await within(START_LIMIT_MS, `coffer ${args.join(' ')} ends`, running.exited);
  return { ...ended, output: running.output() };
}

export async function within<Result>(
  limitMs: number,
  what: string,
  promise: Promise<Result>,
): Promise<Result> {
  const settled: { result?: Result } = {};
  const done = promise.then((result) => {
    settled.result = result;
    return true;
  });
  await until(what, () => Promise.race([done, Promise.resolve(false)]), limitMs);
  return settled.result as Result;
}

/** True when no process of the group is left. */
export function groupIsGone(pid: number): boolean {
  try {
    process.kill(-pid, 0);
    return false;
  } catch {
    return true;
  }
}

/** A data directory, and at the end of the test file nothing of it, nor of the processes that were started. */
export async function makeDataDir(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'coffer-e2e-'));
  // Run by root, the server's account has to pass.
  await chmod(path, 0o711);
  return {
    path,
    async remove() {
      killStarted();
      const postmaster = await findPostmaster(path);
      if (postmaster !== undefined) await killAll(postmaster, 'SIGKILL');
      await removeDataDir(path);
    },
  };
}

/** Ends what a failed test left running. */
export function killStarted(): void {
  for (const child of started) if (!groupIsGone(child.pid!)) process.kill(-child.pid!, 'SIGKILL');
  started.clear();
}
