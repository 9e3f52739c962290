// What every system needs before and after anything is measured: requests, many at a time, that prepare it,
// and an orderly end.

import { createKeySource, newRunNonce } from '../load/idempotency-key.ts';
import type { PlannedRequest } from '../load/plan.ts';
import type { System } from './system.ts';

const WORKERS = 64;

/** Sends every request and answers the bodies in their order. Any answer but a 2xx ends the run. */
export async function sendAll(baseUrl: string, requests: readonly PlannedRequest[]): Promise<unknown[]> {
  const nextKey = createKeySource(newRunNonce());
  const answers: unknown[] = [];
  let next = 0;
  async function work(): Promise<void> {
    for (let index = next++; index < requests.length; index = next++) {
      const request = requests[index];
      if (request) answers[index] = await sendOne(baseUrl, request, nextKey());
    }
  }
  await Promise.all(Array.from({ length: WORKERS }, work));
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

/** Gives every user enough to send for a whole run. Answers how many commands that took. */
export async function fundUsers(
  baseUrl: string,
  users: readonly string[],
  assetSlug: string,
): Promise<number> {
  const requests = users.map((userId) => ({
    method: 'POST' as const,
    path: '/transactions/topup',
    body: { userId, assetSlug, amount: '1000000000' },
  }));
  await sendAll(baseUrl, requests);
  return requests.length;
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
