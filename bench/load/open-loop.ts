// The open-loop load: commands leave at a fixed rate whether or not the earlier ones were answered, and
// each is timed from the moment it was due, so that a stall of the server counts against every command
// it delayed. For a sample of the commands it also measures the lag of the read model as a client sees it.

import { askProcess } from '../child-process.ts';
import type { LoadPlan } from './plan.ts';

export type OpenLoad = {
  baseUrl: string;
  plan: LoadPlan;
  perSecond: number;
  seconds: number;
  /** One command in so many is followed by a balance query that waits for its position. 0: none. */
  probeEvery: number;
  /** Where the probe asks, by the index of the request in the plan. */
  probePaths: readonly string[];
};

export type Spread = { count: number; p50Ms: number; p99Ms: number; maxMs: number };

export type OpenLoadResult = {
  sent: number;
  acknowledged: number;
  failed: number;
  /** What went wrong, and how often. */
  failures: Record<string, number>;
  /** From the due time of the first command to the answer of the last. */
  seconds: number;
  latency: Spread;
  /** Of the answers 503 alone, from the due time: how fast it is said that there is too much. */
  refused: Spread;
  /** From a command's answer to the 200 of a balance query with `atLeast` its position. */
  lag: Spread;
  /** How late the generator itself sent, which is the error of its figures. */
  sendDelay: Spread;
  /** The share of one core the generator used. */
  generatorCpu: number;
};

export function runOpenLoad(load: OpenLoad): Promise<OpenLoadResult> {
  return askProcess<OpenLoadResult>(new URL('./open-loop-process.ts', import.meta.url), load);
}
