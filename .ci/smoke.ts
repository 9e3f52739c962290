/**
 * The service from outside: started with `npm start` on an empty data directory, used as the README shows,
 * stopped by a signal, and started again. It must answer as promised, forget nothing and leave nothing running.
 */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const READY_WITHIN_MS = 90_000;
const STOPPED_WITHIN_MS = 10_000;

/** `group` is the id of the process group, and of npm in it. */
type Service = {
  readonly process: ChildProcess;
  readonly group: number;
  readonly url: string;
  readonly output: () => string;
};
type Answer = { status: number; headers: Headers; text: string; json: Record<string, unknown> };

const started: Service[] = [];

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** Starts the service in a process group of its own, on an embedded database in `dataDir`. */
async function start(dataDir: string): Promise<Service> {
  const port = await freePort();
  const child = spawn('npm', ['start'], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      PORT: String(port),
      COFFER_DATA_DIR: dataDir,
      DATABASE_URL: '',
      HOST: '',
      COFFER_SEED: '',
    },
  });
  await once(child, 'spawn');
  const group = child.pid;
  assert.ok(group !== undefined && group > 1);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  }
  const service = { process: child, group, url: `http://127.0.0.1:${port}`, output: () => output };
  started.push(service);
  await waitUntilReady(service);
  return service;
}

async function waitUntilReady({ process: child, url }: Service): Promise<void> {
  const startedAt = Date.now();
  while (Date.now() - startedAt < READY_WITHIN_MS) {
    assert.equal(child.exitCode, null, 'npm start ended by itself');
    const ready = await fetch(`${url}/ready`, { signal: AbortSignal.timeout(2_000) }).then(
      (response) => response.status === 200,
      () => false,
    );
    if (ready) return say(`ready after ${Date.now() - startedAt} ms`);
    await sleep(100);
  }
  assert.fail(`not ready within ${READY_WITHIN_MS} ms`);
}

async function ask(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(10_000) });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: JSON.parse(text) as Answer['json'],
  };
}

async function post(url: string, body: unknown, headers: Record<string, string>): Promise<Answer> {
  const sent = { 'content-type': 'application/json', ...headers };
  return await ask(url, { method: 'POST', headers: sent, body: JSON.stringify(body) });
}

function assertProblem(answer: Answer, status: number, code: string): void {
  assert.equal(answer.status, status, answer.text);
  assert.match(answer.headers.get('content-type') ?? '', /^application\/problem\+json/);
  assert.equal(answer.json['code'], code);
  assert.equal(answer.json['status'], status);
  assert.equal(answer.json['type'], `/problems/${code}`);
}

/** Spends a first minute with the service; returns where the balance it leaves behind can be read. */
async function useService(url: string): Promise<string> {
  const email = `smoke-${randomUUID()}@example.com`;
  const user = await post(`${url}/users`, { email }, { 'idempotency-key': `user-${email}` });
  assert.equal(user.status, 201, user.text);
  const userId = user.json['id'];
  assert.equal(typeof userId, 'string');

  const topup = { userId, assetSlug: 'gold_coins', amount: '100' };
  const key = { 'idempotency-key': `topup-${email}` };
  const first = await post(`${url}/transactions/topup`, topup, key);
  assert.equal(first.status, 201, first.text);
  assert.equal(first.json['balanceAfter'], '100');
  assert.equal(first.headers.get('idempotent-replayed'), null);
  const position = first.headers.get('coffer-position') ?? '';
  assert.match(position, /^[1-9][0-9]*$/);

  const again = await post(`${url}/transactions/topup`, topup, key);
  assert.equal(again.headers.get('idempotent-replayed'), 'true');
  assert.deepEqual([again.status, again.text], [first.status, first.text]);

  const balancePath = `/wallets/${String(userId)}/gold_coins/balance?atLeast=${position}`;
  const balance = await ask(url + balancePath);
  assert.equal(balance.status, 200, balance.text);
  assert.equal(balance.json['balance'], '100');

  const asNumber = { ...topup, amount: 100 };
  const malformed = await post(`${url}/transactions/topup`, asNumber, { 'idempotency-key': randomUUID() });
  assertProblem(malformed, 400, 'validation_failed');
  assertProblem(await post(`${url}/transactions/topup`, topup, {}), 400, 'idempotency_key_missing');
  const tooMuch = await post(
    `${url}/transactions/spend`,
    { ...topup, amount: '101' },
    { 'idempotency-key': randomUUID() },
  );
  assertProblem(tooMuch, 422, 'insufficient_funds');
  return balancePath;
}

/** Waits for `npm start` to end well after the signals `stop` sends, and for all it started to be gone. */
async function stopped(service: Service, dataDir: string, stop: () => void): Promise<void> {
  const startedAt = Date.now();
  const exit = once(service.process, 'exit', { signal: AbortSignal.timeout(STOPPED_WITHIN_MS) });
  stop();
  const [code, signal] = (await exit.catch((cause: unknown) => {
    throw new Error(`npm start did not end within ${STOPPED_WITHIN_MS} ms`, { cause });
  })) as [number | null, string | null];
  assert.equal(code, 0, `npm start exited with ${code ?? signal}`);
  say(`stopped after ${Date.now() - startedAt} ms`);
  const left = await survivors(service.group, dataDir);
  assert.deepEqual(
    left.map(({ command }) => command),
    [],
    'something was left running',
  );
}

/** Processes of the group, and any that name the data directory or work in it. */
async function survivors(group: number, dataDir: string): Promise<{ pid: number; command: string }[]> {
  const pids = (await readdir('/proc')).filter(
    (name) => /^[0-9]+$/.test(name) && name !== String(process.pid),
  );
  const found = await Promise.all(
    pids.map(async (pid) => {
      const [stat, commandLine, directory] = await Promise.all([
        readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''),
        readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''),
        readlink(`/proc/${pid}/cwd`).catch(() => ''),
      ]);
      // The fields after the program's name in parentheses: state, parent, process group.
      const [, state, , processGroup] = stat.slice(stat.lastIndexOf(')')).split(' ');
      if (state === 'Z') return [];
      const isOurs =
        processGroup === String(group) || commandLine.includes(dataDir) || directory.startsWith(dataDir);
      return isOurs ? [{ pid: Number(pid), command: commandLine.replaceAll('\0', ' ') }] : [];
    }),
  );
  return found.flat();
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended already.
  }
}

const dataDir = await mkdtemp(join(tmpdir(), 'coffer-smoke-'));
try {
  const first = await start(dataDir);
  const balancePath = await useService(first.url);
  await stopped(first, dataDir, () => first.process.kill('SIGTERM'));

  const second = await start(dataDir);
  const balance = await ask(second.url + balancePath);
  assert.equal(balance.json['balance'], '100', `after the restart: ${balance.text}`);
  // To the whole group, as a terminal does it, and twice.
  await stopped(second, dataDir, () => {
    kill(-second.group, 'SIGTERM');
    kill(-second.group, 'SIGTERM');
  });
  say('answered as promised, forgot nothing, left nothing running');
} catch (error) {
  for (const { output } of started) say(`--- output of npm start\n${output()}`);
  for (const { group } of started) {
    for (const { pid } of await survivors(group, dataDir)) kill(pid, 'SIGKILL');
  }
  throw error;
} finally {
  await rm(dataDir, { recursive: true, force: true });
}
