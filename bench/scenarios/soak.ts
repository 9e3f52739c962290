// Not part of a measurement: the service under mixed commands at a fixed offered rate, minute after minute, then without
// its worker, then ten times as many for a minute, then the first rate again. Shows latency from the intended start,
// what was refused and how fast, memory and event loop lag, for each slice of time, and says what should not be.

import { createHttpClient } from '../load/http-client.ts';
import { runOpenLoad, type OpenLoadResult } from '../load/open-loop.ts';
import { seededRandom, type LoadPlan } from '../load/plan.ts';
import type { RunningProcess } from '../child-process.ts';
import type { System } from '../systems/system.ts';

/** What two cores take with ease, generator included. */
const PER_SECOND = 300;
const OVERLOAD = 10;
const OVERLOAD_SECONDS = 60;
const SLICE_SECONDS = 30;
const REFUSED_P99_MS = 100;
/** What the heap and its fragments may swing by without anything leaking. */
const FLAT_MB = 80;

/** Less than is offered in the overload, and fewer than the connections of one generator, or nothing would ever be refused. */
export const SOAK_ENVIRONMENT = { COFFER_MAX_QUEUE: '200', COFFER_MAX_BATCH: '2' };

/** What latency may swing by on a machine with other things to do, without anything being harmed. */
const UNHARMED = { times: 2, plusMs: 25 };

/** They get their money at once, which has to fit into the queue. */
export const SOAK_USERS = 150;

type SoakSlice = {
  readonly phase: 'steady' | 'stopped' | 'catch-up' | 'overload' | 'recovery';
  readonly result: OpenLoadResult;
  readonly residentMB: number;
  readonly loopLagP99Ms: number;
};

/** Top-ups, spends, transfers, bonuses and holds between these users. */
function mixedCommands(users: readonly string[], assetSlug: string): LoadPlan {
  const random = seededRandom(7);
  const pick = (): string => users[Math.floor(random() * users.length)] ?? '';
  const requests = Array.from({ length: 5_000 }, (_, index) => {
    const one = { userId: pick(), assetSlug, amount: '1' };
    const [fromUserId, toUserId] = [pick(), pick()];
    const kinds = [
      { path: '/transactions/topup', body: { ...one, amount: '3' } },
      { path: '/transactions/spend', body: one },
      { path: '/transactions/topup', body: one },
      { path: '/transactions/bonus', body: one },
      fromUserId === toUserId
        ? { path: '/transactions/topup', body: one }
        : { path: '/transactions/transfer', body: { fromUserId, toUserId, assetSlug, amount: '1' } },
      { path: '/holds', body: { ...one, expiresInSeconds: 60 } },
    ];
    return { method: 'POST' as const, ...(kinds[index % kinds.length] ?? kinds[0]!) };
  });
  return { requests, keyed: true };
}

export type Soak = {
  /** The API alone. */
  readonly coffer: System;
  readonly worker: RunningProcess;
  readonly minutes: number;
  readonly log: (line: string) => void;
};

/** Resolves to a sentence for each thing that should not have been. */
export async function runSoak({ coffer, worker, minutes, log }: Soak): Promise<string[]> {
  const plan = mixedCommands(coffer.users, coffer.assetSlug);
  const slices: SoakSlice[] = [];

  async function slice(phase: SoakSlice['phase'], perSecond: number, seconds: number): Promise<void> {
    const load = { baseUrl: coffer.baseUrl, plan, perSecond, seconds, probeEvery: 0, probePaths: [] };
    const result = await runOpenLoad(load);
    const memory = await coffer.memory.read();
    const made = {
      phase,
      result,
      residentMB: memory?.nowMB ?? Number.NaN,
      loopLagP99Ms: await loopLag(coffer.baseUrl),
    };
    slices.push(made);
    log(lineOf(made));
  }

  for (let second = 0; second < minutes * 60; second += SLICE_SECONDS)
    await slice('steady', PER_SECOND, SLICE_SECONDS);
  process.kill(worker.pid, 'SIGSTOP');
  await slice('stopped', PER_SECOND, SLICE_SECONDS);
  process.kill(worker.pid, 'SIGCONT');
  await slice('catch-up', PER_SECOND, SLICE_SECONDS);
  await slice('overload', PER_SECOND * OVERLOAD, OVERLOAD_SECONDS);
  await slice('recovery', PER_SECOND, SLICE_SECONDS);
  const backlog = await coffer.settle();
  log(`read models ${backlog?.events} events behind at the end, for ${backlog?.caughtUpMs.toFixed(0)} ms`);
  return findingsOf(slices);
}

/** Seconds, as prom-client's own metrics say it, since the last look. */
async function loopLag(baseUrl: string): Promise<number> {
  const client = createHttpClient(baseUrl, 10_000);
  const host = new URL(baseUrl).host;
  const { body } = await client.send(`GET /metrics HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  client.close();
  const seconds = /^nodejs_eventloop_lag_p99_seconds (\S+)$/m.exec(body)?.[1];
  return Number(seconds ?? Number.NaN) * 1_000;
}

function lineOf({ phase, result, residentMB, loopLagP99Ms }: SoakSlice): string {
  const { sent, acknowledged, failures, latency, refused, sendDelay } = result;
  const others = Object.entries(failures).map(([what, count]) => `${count} x ${what}`);
  return (
    `${phase.padEnd(8)} sent ${sent}, done ${acknowledged}, p50 ${milliseconds(latency.p50Ms)}, p99 ${milliseconds(latency.p99Ms)}, of it sent late p99 ${milliseconds(sendDelay.p99Ms)}; ` +
    `refused p99 ${milliseconds(refused.p99Ms)} of ${refused.count}; ${residentMB.toFixed(0)} MB, loop lag p99 ${milliseconds(loopLagP99Ms)}` +
    (others.length === 0 ? '' : `; ${others.join(', ')}`)
  );
}

/** Null is what becomes of NaN, of nothing, on its way between processes. */
function milliseconds(value: number | null): string {
  return value === null || Number.isNaN(value) ? '-' : `${value.toFixed(1)} ms`;
}

function findingsOf(slices: readonly SoakSlice[]): string[] {
  const [first] = slices;
  const last = slices.at(-1);
  const unexpected = slices.flatMap(({ phase, result }) =>
    Object.keys(result.failures)
      .filter((what) => what !== 'command 422' && !(phase === 'overload' && what === 'command 503'))
      .map((what) => `${phase}: ${what}`),
  );
  const grown = (last?.residentMB ?? 0) - (first?.residentMB ?? 0);
  return [
    ...unexpected,
    ...slices.filter(({ phase }) => phase === 'overload').flatMap(findingsOfOverload),
    ...harmed(slices),
    ...(grown > FLAT_MB ? [`memory grew by ${grown.toFixed(0)} MB`] : []),
  ];
}

function findingsOfOverload({ result: { refused } }: SoakSlice): string[] {
  if (refused.count === 0) return ['overload: nothing was refused, so that it was none'];
  if (refused.p99Ms <= REFUSED_P99_MS) return [];
  return [`overload: refusals took ${refused.p99Ms.toFixed(0)} ms at p99, not ${REFUSED_P99_MS}`];
}

/** Writes wait for no worker, and an overload is over when it ends: of 30 s, p99 hides no more than 0.3 s. */
function harmed(slices: readonly SoakSlice[]): string[] {
  const steady = slices.filter(({ phase }) => phase === 'steady');
  const usual = Math.max(...steady.map(({ result }) => result.latency.p99Ms));
  const most = usual * UNHARMED.times + UNHARMED.plusMs;
  return slices
    .filter(({ phase, result }) => phase !== 'steady' && phase !== 'overload' && result.latency.p99Ms > most)
    .map(
      ({ phase, result }) =>
        `${phase}: p99 ${milliseconds(result.latency.p99Ms)}, usually ${milliseconds(usual)}`,
    );
}
