// The generator against a server that does nothing: how far it is from being what limits the others.

import { freePort, startProcess, waitUntilReady } from '../child-process.ts';
import { fileURLToPath } from 'node:url';
import type { Generator } from './generator.ts';
import { balanceReads, topups } from './plan.ts';

export type Ceiling = { topupsPerSecond: number; readsPerSecond: number };

export async function measureCeiling(generator: Generator, seconds: number): Promise<Ceiling> {
  const port = await freePort();
  const server = startProcess({
    command: process.execPath,
    args: [fileURLToPath(new URL('./no-op-server.ts', import.meta.url))],
    env: { ...process.env, PORT: String(port) },
  });
  const baseUrl = `http://127.0.0.1:${port}`;
  const users = Array.from({ length: 1_000 }, () => crypto.randomUUID());
  try {
    await waitUntilReady({ process: server, url: baseUrl, timeoutMs: 10_000 });
    const asked = { baseUrl, seconds };
    const posts = await generator.run({ ...asked, plan: topups(users, 'coins'), connections: 256 });
    const reads = await generator.run({ ...asked, plan: balanceReads(users, 'coins'), connections: 64 });
    return { topupsPerSecond: posts.throughput, readsPerSecond: reads.throughput };
  } finally {
    await server.stop();
  }
}
