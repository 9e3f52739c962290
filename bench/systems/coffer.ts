import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, runToEnd, startProcess, waitUntilReady, type RunningProcess } from '../child-process.ts';
import { watchMemory } from '../process-figures.ts';
import { endSystem, fundUsers, sendAll, sendOne } from './setup.ts';
import type { Backlog, Batches, System, SystemName, SystemStart } from './system.ts';

const ASSET_SLUG = 'coins';
const READY_TIMEOUT_MS = 60_000;
const SETTLE_TIMEOUT_MS = 120_000;
const HERE = fileURLToPath(new URL('../..', import.meta.url));

export function cofferExists(folder = HERE): boolean {
  return existsSync(join(folder, 'src/main.ts'));
}

/** What `npm start` gives to Node: flags, and variables of the environment. What it imports first only builds the dashboard. */
export function startSettings(
  folder = HERE,
  script: 'start' | 'coffer' = 'start',
): { flags: string[]; variables: Record<string, string> } {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    scripts: { start: string; coffer: string };
  };
  const words = manifest.scripts[script].split(' ');
  const variables = words.flatMap((word) => {
    const [, name, value] = /^([A-Z_]+)=(.*)$/.exec(word) ?? [];
    return name === undefined || value === undefined ? [] : [[name, value]];
  });
  return {
    flags: words.filter((word) => word.startsWith('--') && word !== '--import'),
    variables: Object.fromEntries(variables) as Record<string, string>,
  };
}

/** Nothing set in the caller's shell may tune what is measured; empty counts as unset. */
export function cofferEnvironment(environment: Record<string, string>, folder = HERE): NodeJS.ProcessEnv {
  const cleared = Object.keys(process.env).filter((name) => name.startsWith('COFFER_'));
  return {
    ...process.env,
    ...startSettings(folder).variables,
    ...Object.fromEntries(cleared.map((name) => [name, ''])),
    DATABASE_URL: '',
    LOG_LEVEL: 'warn',
    ...environment,
  };
}

/** The one process that serves the API and runs the worker, as `npm start` would run it; or one that does a part of it. */
export function startCofferProcess(
  port: number,
  environment: Record<string, string>,
  { folder = HERE, command = 'serve' }: { folder?: string; command?: 'serve' | 'api' | 'worker' } = {},
): RunningProcess {
  // Another checkout brings its own, of which an older version may be part of what is compared.
  const itsNode = join(folder, 'node_modules/.bin/node');
  return startProcess({
    command: folder !== HERE && existsSync(itsNode) ? itsNode : process.execPath,
    args: [...startSettings(folder).flags, join(folder, 'src/main.ts'), command],
    env: cofferEnvironment({ HOST: '127.0.0.1', PORT: String(port), ...environment }, folder),
  });
}

type ProcessOn = Omit<SystemStart, 'userCount'> & { name: SystemName; folder?: string };

/** Coffer on a database, whatever is in it. */
export async function startCofferOn(start: ProcessOn) {
  const { name, databaseUrl, defer, environment = {}, folder = HERE, command = 'serve' } = start;
  const port = await freePort();
  const baseUrl = `http://127.0.0.1:${port}`;
  const variables = { DATABASE_URL: databaseUrl, COFFER_SEED: 'none', ...environment };
  const process_ = startCofferProcess(port, variables, { folder, command });
  const memory = watchMemory(process_.pid);
  defer(() => endSystem({ name, process: process_, memory }));
  await waitUntilReady({ process: process_, url: `${baseUrl}/ready`, timeoutMs: READY_TIMEOUT_MS });
  return {
    ...{ name, baseUrl, databaseUrl, process: process_, memory },
    readBatches: () => readBatches(baseUrl),
    settle: (timeoutMs = SETTLE_TIMEOUT_MS) => settle(baseUrl, timeoutMs),
  };
}

/** On an empty database. From another checkout where a folder is given. */
export async function startCoffer({
  userCount,
  name = 'coffer',
  ...start
}: SystemStart & { name?: SystemName; folder?: string }): Promise<System> {
  const running = await startCofferOn({ ...start, name });
  const { baseUrl } = running;
  const asset = { method: 'POST' as const, path: '/assets', body: { slug: ASSET_SLUG, scale: 0 } };
  await sendOne(baseUrl, asset, 'bench-asset');
  const tally = { acknowledged: 0, cutOff: 0 };
  const enrolled: string[] = [];
  async function enroll(count: number): Promise<void> {
    const users = await createUsers(baseUrl, enrolled.length, count);
    tally.acknowledged += await fundUsers(baseUrl, users, ASSET_SLUG);
    enrolled.push(...users);
  }
  await enroll(userCount);
  return {
    ...running,
    users: [...enrolled],
    async crowd(count) {
      if (count > enrolled.length) await enroll(count);
      return enrolled.slice(0, count);
    },
    enrolled: () => enrolled,
    assetSlug: ASSET_SLUG,
    tally,
    honestySql: {
      postedTransactions: `select count(*) from events where type = 'transaction.posted'`,
      distinctKeys: `select count(distinct idempotency_key) from events where type = 'transaction.posted'`,
      sumOfEntries: 'select sum(amount) from ledger_entries',
      sumOfWallets: 'select sum(balance) from wallets',
      usersTotal: 'select sum(balance) from wallets where not is_system',
    },
  };
}

/** On a database that it brings up to date first. */
export async function startWorker({
  databaseUrl,
  defer,
}: Pick<SystemStart, 'databaseUrl' | 'defer'>): Promise<RunningProcess> {
  const variables = { DATABASE_URL: databaseUrl };
  const main = join(HERE, 'src/main.ts');
  const migrated = await runToEnd(process.execPath, [main, 'migrate'], cofferEnvironment(variables));
  if (migrated.code !== 0) throw new Error(`the database cannot be migrated:\n${migrated.output}`);
  const worker = startCofferProcess(0, variables, { command: 'worker' });
  defer(() => endSystem({ name: 'coffer', process: worker, memory: watchMemory(worker.pid) }));
  return worker;
}

/** An API without a worker, beside the process of a system and on its database. */
export async function startSecondApi({ databaseUrl, defer }: Pick<SystemStart, 'databaseUrl' | 'defer'>) {
  const port = await freePort();
  const baseUrl = `http://127.0.0.1:${port}`;
  const variables = { DATABASE_URL: databaseUrl, COFFER_SEED: 'none' };
  const process_ = startCofferProcess(port, variables, { command: 'api' });
  const memory = watchMemory(process_.pid);
  let stopped = false;
  async function stop(): Promise<void> {
    if (stopped) return;
    stopped = true;
    await endSystem({ name: 'coffer', process: process_, memory });
  }
  defer(stop);
  await waitUntilReady({ process: process_, url: `${baseUrl}/ready`, timeoutMs: READY_TIMEOUT_MS });
  return { baseUrl, process: process_, memory, stop };
}

/** From the number `first` up to, not including, `end`. */
async function createUsers(baseUrl: string, first: number, end: number): Promise<string[]> {
  const requests = Array.from({ length: end - first }, (_, index) => ({
    method: 'POST' as const,
    path: '/users',
    body: { email: `user-${first + index}@example.com` },
  }));
  const answers = await sendAll(baseUrl, requests);
  return answers.map((answer) => (answer as { id: string }).id);
}

async function readBatches(baseUrl: string): Promise<Batches> {
  const response = await fetch(`${baseUrl}/metrics`);
  const text = await response.text();
  return {
    commands: sumOfMetric(text, 'coffer_batch_commands_sum'),
    batches: sumOfMetric(text, 'coffer_batch_commands_count'),
  };
}

/** Over all label sets. NaN when the metric is missing. */
function sumOfMetric(exposition: string, name: string): number {
  const values = exposition
    .split('\n')
    .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
    .map((line) => Number(line.slice(line.lastIndexOf(' ') + 1)));
  return values.length === 0 ? Number.NaN : values.reduce((sum, value) => sum + value, 0);
}

async function settle(baseUrl: string, timeoutMs: number): Promise<Backlog> {
  const started = performance.now();
  const events = await eventsBehind(baseUrl);
  for (let behind = events; behind > 0; behind = await eventsBehind(baseUrl)) {
    if (performance.now() - started > timeoutMs) {
      throw new Error(`the read models are still ${behind} events behind after ${timeoutMs} ms`);
    }
    await sleep(20);
  }
  return { events, caughtUpMs: performance.now() - started };
}

async function eventsBehind(baseUrl: string): Promise<number> {
  const response = await fetch(`${baseUrl}/projections`);
  if (!response.ok) throw new Error(`GET /projections answered ${response.status}: ${await response.text()}`);
  const { data } = (await response.json()) as { data: { position: string; headPosition: string }[] };
  return Math.max(
    0,
    ...data.map((projection) => Number(projection.headPosition) - Number(projection.position)),
  );
}
