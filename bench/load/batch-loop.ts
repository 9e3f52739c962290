// Batches of top-ups in a closed loop. They need a key for each of their commands, so their bodies are made here and
// not by the generator, as text, and answers are only looked through: made and parsed as objects and sent by fetch, they
// took 12 us of a processor a command, a fifth of what they took of the service.

import type { LoadResult } from './generator.ts';
import { createHttpClient, type Answer } from './http-client.ts';
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

const TIMEOUT_MS = 30_000;

/** Throughput and acknowledged are of commands, latencies of requests. Nothing is cut off: the last ones are awaited. */
export async function runBatches(load: BatchLoad): Promise<LoadResult> {
  const nextBody = createBodySource(load);
  const client = createHttpClient(load.baseUrl, TIMEOUT_MS);
  const { host } = new URL(load.baseUrl);
  const startMs = performance.now();
  const endMs = startMs + load.seconds * 1_000;
  const latencies: number[] = [];
  let acknowledged = 0;
  let failed = 0;

  async function connection(): Promise<void> {
    while (performance.now() < endMs) {
      const sentMs = performance.now();
      const done = countDone(await client.send(renderBatch(host, nextBody())));
      latencies.push(performance.now() - sentMs);
      acknowledged += done;
      failed += load.commands - done;
    }
  }

  await Promise.all(Array.from({ length: load.connections }, connection));
  client.close();
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

/** As an element of `results` begins; nothing within the answer to a top-up does. */
const DONE = '{"status":201,"body":{';

/** How many commands were done; of a request that failed, none. */
function countDone({ status, body }: Answer): number {
  let count = 0;
  if (status !== 200) return count;
  for (let at = body.indexOf(DONE); at !== -1; at = body.indexOf(DONE, at + DONE.length)) count += 1;
  return count;
}

/** All of it is ASCII. */
function renderBatch(host: string, body: string): string {
  const head = `POST /transactions/batch HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json`;
  return `${head}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

function createBodySource({ users, assetSlug, commands }: BatchLoad): () => string {
  const nextKey = createKeySource(newRunNonce());
  const tails = users.map((userId) => {
    const command = JSON.stringify({ type: 'topup', userId, assetSlug, amount: '1' });
    return command.replace('{', '",');
  });
  let next = 0;
  return () => {
    let batch = '';
    for (let count = 0; count < commands; count += 1) {
      batch += `${count === 0 ? '' : ','}{"idempotencyKey":"${nextKey()}${tails[next++ % tails.length] ?? ''}`;
    }
    return `{"commands":[${batch}]}`;
  };
}
