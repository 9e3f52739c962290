// Batches of top-ups in a closed loop. They need a key for each of their commands, so their bodies are made here and
// not by the generator; a few requests a second cost this process little.

import type { LoadResult } from './generator.ts';
import { createKeySource, newRunNonce } from './idempotency-key.ts';
import { percentile } from '../statistics.ts';

export type BatchLoad = {
  baseUrl: string;
  users: readonly string[];
  assetSlug: string;
  commands: number;
  connections: number;
  seconds: number;
};

/** Throughput and acknowledged are of commands, latencies of requests. Nothing is cut off: the last ones are awaited. */
export async function runBatches(load: BatchLoad): Promise<LoadResult> {
  const nextBody = createBodySource(load);
  const startMs = performance.now();
  const endMs = startMs + load.seconds * 1_000;
  const latencies: number[] = [];
  let acknowledged = 0;
  let failed = 0;

  async function connection(): Promise<void> {
    while (performance.now() < endMs) {
      const sentMs = performance.now();
      const statuses = await send(load.baseUrl, nextBody());
      latencies.push(performance.now() - sentMs);
      const done = statuses.filter((status) => status === 201).length;
      acknowledged += done;
      failed += load.commands - done;
    }
  }

  await Promise.all(Array.from({ length: load.connections }, connection));
  const seconds = (performance.now() - startMs) / 1_000;
  latencies.sort((left, right) => left - right);
  return {
    acknowledged,
    failed,
    seconds,
    throughput: acknowledged / seconds,
    p50Ms: percentile(latencies, 50),
    p99Ms: percentile(latencies, 99),
    maxMs: percentile(latencies, 100),
  };
}

/** The statuses of the commands; of a request that failed, none. */
async function send(baseUrl: string, body: string): Promise<number[]> {
  const response = await fetch(`${baseUrl}/transactions/batch`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  const text = await response.text();
  if (response.status !== 200) return [];
  return (JSON.parse(text) as { results: { status: number }[] }).results.map(({ status }) => status);
}

function createBodySource({ users, assetSlug, commands }: BatchLoad): () => string {
  const nextKey = createKeySource(newRunNonce());
  let next = 0;
  return () => {
    const batch = Array.from({ length: commands }, () => {
      const userId = users[next++ % users.length];
      return { idempotencyKey: nextKey(), type: 'topup', userId, assetSlug, amount: '1' };
    });
    return JSON.stringify({ commands: batch });
  };
}
