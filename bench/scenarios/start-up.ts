// From the start of the process to its first answer, as a newcomer has it: the embedded PostgreSQL, demo
// data, nothing configured. First on an empty data directory, then on the one that left behind.

import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort, waitUntilReady } from '../child-process.ts';
import { diskDirectory } from '../postgres/server.ts';
import { median } from '../statistics.ts';
import { startCofferProcess } from '../systems/coffer.ts';
import { sendOne } from '../systems/setup.ts';
import type { Bench, Scenario } from './scenario.ts';

const READY_TIMEOUT_MS = 60_000;

type StartUp = { readyMs: number; balanceMs: number; stopMs: number };

export const startUp: Scenario = {
  name: 'start-up',
  title: 'start to first balance answered',
  async run(bench) {
    if (!bench.options.systems.includes('coffer')) return { rows: [], facts: [] };
    const fresh: StartUp[] = [];
    const existing: StartUp[] = [];
    for (let count = 0; count < bench.options.startUps; count += 1) {
      const directory = await mkdtemp(join(await diskDirectory(), 'coffer-bench-start-'));
      // The embedded server may run as another user, who has to get through this directory.
      await chmod(directory, 0o755);
      bench.defer(() => rm(directory, { recursive: true, force: true }));
      fresh.push(await startOnce(bench, join(directory, 'data')));
      existing.push(await startOnce(bench, join(directory, 'data')));
    }
    const middle = (starts: StartUp[], pick: (start: StartUp) => number) => median(starts.map(pick)) / 1000;
    const seconds = (name: string, label: string, value: number) => ({ name, label, value, unit: 's' });
    const facts = [
      seconds(
        'fresh-ready',
        'fresh data directory: ready',
        middle(fresh, (start) => start.readyMs),
      ),
      seconds(
        'fresh-balance',
        'fresh data directory: first balance',
        middle(fresh, (start) => start.balanceMs),
      ),
      seconds(
        'existing-ready',
        'existing data directory: ready',
        middle(existing, (start) => start.readyMs),
      ),
      seconds(
        'existing-balance',
        'existing data directory: first balance',
        middle(existing, (start) => start.balanceMs),
      ),
      seconds(
        'stop',
        'from SIGTERM to the end',
        middle(existing, (start) => start.stopMs),
      ),
    ];
    return { rows: [], facts };
  },
};

async function startOnce(bench: Bench, dataDirectory: string): Promise<StartUp> {
  const port = await freePort();
  const baseUrl = `http://127.0.0.1:${port}`;
  const started = performance.now();
  const coffer = startCofferProcess(port, { COFFER_DATA_DIR: dataDirectory });
  try {
    // For an interrupted run, which doesn't wait for us.
    bench.defer(async () => {
      await coffer.stop();
    });
    await waitUntilReady({ process: coffer, url: `${baseUrl}/ready`, timeoutMs: READY_TIMEOUT_MS });
    const readyMs = performance.now() - started;
    await readOneBalance(baseUrl);
    const balanceMs = performance.now() - started;
    const stopping = performance.now();
    const code = await coffer.stop();
    if (code !== 0) bench.fail(`start-up: SIGTERM ended the process with ${code}:\n${coffer.tail()}`);
    return { readyMs, balanceMs, stopMs: performance.now() - stopping };
  } finally {
    await coffer.stop();
  }
}

/** Of the demo data, which is there once the process says that it is ready. */
async function readOneBalance(baseUrl: string): Promise<void> {
  const get = (path: string) => sendOne(baseUrl, { method: 'GET', path }, '');
  const users = (await get('/users?limit=1')) as { data: { id: string }[] };
  const assets = (await get('/assets?limit=1')) as { data: { slug: string }[] };
  const user = users.data[0];
  const asset = assets.data[0];
  if (!user || !asset) throw new Error('the demo data has no user or no asset');
  await get(`/wallets/${user.id}/${asset.slug}/balance`);
}
