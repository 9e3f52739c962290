// autocannon's process. It gets the load as one message from its parent, and answers with the result.

import autocannon, { type Client } from 'autocannon';
import { percentile } from '../statistics.ts';
import type { Load, LoadResult } from './generator.ts';
import { keySourceOf } from './idempotency-key.ts';
import { renderRequest } from './plan.ts';

process.once('message', (load: Load) => {
  void run(load).then((result) => {
    process.send?.(result, () => process.disconnect?.());
  });
});

async function run(load: Load): Promise<LoadResult> {
  const nextRequest = createRequestSource(load);
  const latenciesMs: number[] = [];
  const running = autocannon({
    url: load.baseUrl,
    connections: load.connections,
    duration: load.seconds,
    timeout: 10,
    setupClient: (client: Client) => {
      // `setupRequest`, the documented way to a header of one's own per request, builds the request anew
      // each time and lowers the ceiling by a fifth. The version is pinned, so this holds.
      client.getRequestBuffer = nextRequest;
    },
  });
  // autocannon's own histogram keeps whole milliseconds, too coarse for one client alone.
  running.on('response', (_client: Client, _status: number, _bytes: number, latencyMs: number) => {
    latenciesMs.push(latencyMs);
  });
  const result = await running;
  latenciesMs.sort((left, right) => left - right);
  return {
    acknowledged: result['2xx'],
    failed: result.non2xx + result.errors,
    seconds: result.duration,
    throughput: result['2xx'] / result.duration,
    p50Ms: percentile(latenciesMs, 50),
    p99Ms: percentile(latenciesMs, 99),
    maxMs: percentile(latenciesMs, 100),
  };
}

function createRequestSource(load: Load): () => string {
  const host = new URL(load.baseUrl).host;
  const rendered = load.plan.requests.map((request) => renderRequest(host, request, load.plan.keyed));
  const nextKey = keySourceOf(load.plan);
  let index = 0;
  return () => {
    const request = rendered[index++ % rendered.length];
    if (!request) throw new Error('a load plan needs at least one request');
    return load.plan.keyed ? request.head + nextKey() + request.tail : request.head;
  };
}
