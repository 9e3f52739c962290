// The open loop's process. It gets the load as one message from its parent, and answers with the result.

import { setTimeout as sleep } from 'node:timers/promises';
import { percentile } from '../statistics.ts';
import { createHttpClient, type HttpClient } from './http-client.ts';
import { keySourceOf } from './idempotency-key.ts';
import type { OpenLoad, OpenLoadResult, Spread } from './open-loop.ts';
import { renderRequest, type RenderedRequest } from './plan.ts';

const PROBE_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 10_000;

type Run = {
  load: OpenLoad;
  host: string;
  client: HttpClient;
  requests: readonly RenderedRequest[];
  nextKey: () => string;
  latencies: number[];
  refusals: number[];
  lags: number[];
  sendDelays: number[];
  failures: Map<string, number>;
  acknowledged: number;
};

process.once('message', (load: OpenLoad) => {
  void runOpenLoop(load).then((result) => {
    process.send?.(result, () => process.disconnect?.());
  });
});

async function runOpenLoop(load: OpenLoad): Promise<OpenLoadResult> {
  const { host } = new URL(load.baseUrl);
  const run: Run = {
    load,
    host,
    client: createHttpClient(load.baseUrl, REQUEST_TIMEOUT_MS),
    requests: load.plan.requests.map((request) => renderRequest(host, request, load.plan.keyed)),
    nextKey: keySourceOf(load.plan),
    latencies: [],
    refusals: [],
    lags: [],
    sendDelays: [],
    failures: new Map(),
    acknowledged: 0,
  };
  const cpuBefore = process.cpuUsage();
  const started = performance.now() + 50;
  const total = Math.round(load.perSecond * load.seconds);
  const pending: Promise<void>[] = [];
  for (let index = 0; index < total;) {
    // All that is due leaves now; timers are no finer than a millisecond.
    for (let dueAt = due(index); index < total && dueAt <= performance.now(); dueAt = due(index)) {
      pending.push(sendCommand(run, index, dueAt));
      index += 1;
    }
    await sleep(1);
  }
  await Promise.all(pending);
  const seconds = (performance.now() - started) / 1000;
  const cpu = process.cpuUsage(cpuBefore);
  run.client.close();
  const failed = [...run.failures.values()].reduce((sum, count) => sum + count, 0);
  return {
    sent: total,
    acknowledged: run.acknowledged,
    failed,
    failures: Object.fromEntries(run.failures),
    seconds,
    latency: spread(run.latencies),
    refused: spread(run.refusals),
    lag: spread(run.lags),
    sendDelay: spread(run.sendDelays),
    generatorCpu: (cpu.user + cpu.system) / 1e6 / seconds,
  };

  function due(index: number): number {
    return started + (index * 1000) / load.perSecond;
  }
}

async function sendCommand(run: Run, index: number, dueAt: number): Promise<void> {
  const { load } = run;
  const request = run.requests[index % run.requests.length];
  if (!request) throw new Error('a load plan needs at least one request');
  run.sendDelays.push(performance.now() - dueAt);
  const answer = await run.client.send(
    load.plan.keyed ? request.head + run.nextKey() + request.tail : request.head,
  );
  const answeredAt = performance.now();
  run.latencies.push(answeredAt - dueAt);
  if (answer.status === 503) run.refusals.push(answeredAt - dueAt);
  if (answer.status < 200 || answer.status > 299) {
    countFailure(run, `command ${answer.status || answer.body}`);
    return;
  }
  run.acknowledged += 1;
  if (load.probeEvery > 0 && index % load.probeEvery === 0) {
    const path = load.probePaths[index % load.probePaths.length] ?? '';
    await probe(run, path, answer.body, answeredAt);
  }
}

/** Asks until the read model has reached the command, as a client would that wants to read its own write. */
async function probe(run: Run, path: string, commandBody: string, answeredAt: number): Promise<void> {
  const { position } = JSON.parse(commandBody) as { position: string };
  const query = renderRequest(run.host, { method: 'GET', path: `${path}?atLeast=${position}` }, false);
  while (performance.now() - answeredAt < PROBE_TIMEOUT_MS) {
    const answer = await run.client.send(query.head);
    if (answer.status === 200) {
      run.lags.push(performance.now() - answeredAt);
      const reached = JSON.parse(answer.body) as { position: string };
      if (BigInt(reached.position) < BigInt(position)) countFailure(run, 'balance older than asked for');
      return;
    }
    // 503 says that the server's own wait was too short; anything else is a fault.
    if (answer.status !== 503) {
      countFailure(run, `balance ${answer.status || answer.body}`);
      return;
    }
  }
  countFailure(run, `balance not there after ${PROBE_TIMEOUT_MS} ms`);
}

function countFailure(run: Run, what: string): void {
  run.failures.set(what, (run.failures.get(what) ?? 0) + 1);
}

function spread(values: number[]): Spread {
  const sorted = values.toSorted((left, right) => left - right);
  return {
    count: sorted.length,
    p50Ms: percentile(sorted, 50),
    p99Ms: percentile(sorted, 99),
    maxMs: percentile(sorted, 100),
  };
}
