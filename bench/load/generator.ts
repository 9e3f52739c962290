// The closed-loop load: so many connections, each sending its next request when the last is answered.
// wrk where it is installed, since one thread of it outruns any of the systems several times over, else
// autocannon in a process of its own. A run uses one of them for everything it compares.

import { createAutocannon } from './autocannon.ts';
import type { LoadPlan } from './plan.ts';
import { createWrk, findWrk } from './wrk.ts';

export type Load = { baseUrl: string; plan: LoadPlan; connections: number; seconds: number };

export type LoadResult = {
  /** Answers with a 2xx status. */
  acknowledged: number;
  /** Answers with another status, broken connections and timeouts. */
  failed: number;
  seconds: number;
  throughput: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
};

export type Generator = { name: string; run(load: Load): Promise<LoadResult> };

export type GeneratorChoice = 'auto' | 'wrk' | 'autocannon';

export async function chooseGenerator(choice: GeneratorChoice): Promise<Generator> {
  if (choice === 'autocannon') return createAutocannon();
  const version = await findWrk();
  if (version !== undefined) return createWrk(version);
  if (choice === 'wrk') throw new Error('wrk is not on PATH');
  return createAutocannon();
}
