// What every system needs before and after anything is measured: requests, many at a time, that prepare it,
// and an orderly end.

import { createHttpClient } from '../load/http-client.ts';
import { createKeySource, newRunNonce } from '../load/idempotency-key.ts';
import { renderRequest, type PlannedRequest } from '../load/plan.ts';
import type { System } from './system.ts';

const WORKERS = 64;
const TIMEOUT_MS = 30_000;
/** Enough to send for a whole run. */
export const FUNDS = '1000000000';

/** Sends every request and answers the bodies in their order. Any answer but a 2xx ends the run. */
export async function sendAll(
  baseUrl: string,
  requests: readonly PlannedRequest[],
  workers = WORKERS,
): Promise<unknown[]> {
  const nextKey = createKeySource(newRunNonce());
  const { host } = new URL(baseUrl);
  const client = createHttpClient(baseUrl, TIMEOUT_MS);
  const answers: unknown[] = [];
  let next = 0;
  async function work(): Promise<void> {
    for (let index = next++; index < requests.length; index = next++) {
      const request = requests[index];
      if (!request) return;
      const { head, tail } = renderRequest(host, request, request.method === 'POST');
      const { status, body } = await client.send(tail === '' ? head : head + nextKey() + tail);
      if (status < 200 || status > 299)
        throw new Error(`${request.method} ${request.path} answered ${status}: ${body}`);
      answers[index] = JSON.parse(body);
    }
  }
  try {
    await Promise.all(Array.from({ length: workers }, work));
  } finally {
    client.close();
  }
  return answers;
}

export async function sendOne(baseUrl: string, request: PlannedRequest, key: string): Promise<unknown> {
  const response = await fetch(baseUrl + request.path, {
    method: request.method,
    ...(request.method === 'POST' && {
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify(request.body ?? {}),
    }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${request.method} ${request.path} answered ${response.status}: ${text}`);
  return JSON.parse(text);
}

const BATCH_COMMANDS = 500;
const BATCHES_AT_ONCE = 4;

/** By the batch endpoint. Answers how many commands that took. */
export async function fundUsers(
  baseUrl: string,
  users: readonly string[],
  assetSlug: string,
): Promise<number> {
  const nextKey = createKeySource(newRunNonce());
  const requests: PlannedRequest[] = [];
  for (let from = 0; from < users.length; from += BATCH_COMMANDS) {
    const commands = users
      .slice(from, from + BATCH_COMMANDS)
      .map((userId) => ({ idempotencyKey: nextKey(), type: 'topup', userId, assetSlug, amount: FUNDS }));
    requests.push({ method: 'POST', path: '/transactions/batch', body: { commands } });
  }
  const answers = (await sendAll(baseUrl, requests, BATCHES_AT_ONCE)) as {
    results: { status: number; body: object }[];
  }[];
  for (const { status, body } of answers.flatMap(({ results }) => results))
    if (status !== 201) throw new Error(`a top-up of a batch answered ${status}: ${JSON.stringify(body)}`);
  return users.length;
}

export async function endSystem({
  name,
  process: running,
  memory,
}: Pick<System, 'name' | 'process' | 'memory'>) {
  memory.close();
  const died = running.hasExited();
  const code = await running.stop();
  if (died || code !== 0) {
    process.stderr.write(`${name} ${died ? 'had died' : 'ended'} with code ${code}:\n${running.tail()}\n`);
  }
}
