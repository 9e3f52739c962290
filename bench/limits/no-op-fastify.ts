// What the framework alone could answer, in a process of its own and under the same load generator.

import { fileURLToPath } from 'node:url';
import { freePort, startProcess, waitUntilReady } from '../child-process.ts';
import { balanceReads, topups, type LoadPlan } from '../load/plan.ts';
import { readCpuSeconds } from '../process-figures.ts';
import type { Contender } from '../scenarios/alternate.ts';
import { NO_FIGURES, type Bench } from '../scenarios/scenario.ts';
import { startSettings } from '../systems/coffer.ts';
import { sendOne } from '../systems/setup.ts';
import type { System } from '../systems/system.ts';

const READY_TIMEOUT_MS = 15_000;
export const NO_OP = 'no-op Fastify';

export type NoOp = { contender(load: { plan: LoadPlan; connections: number }): Contender };

/** Answers what this Coffer answers, byte for byte, to every request alike. */
export async function startNoOpFastify(bench: Bench, coffer: System): Promise<NoOp> {
  const user = coffer.users.slice(0, 1);
  const [topup] = topups(user, coffer.assetSlug).requests;
  const [read] = balanceReads(user, coffer.assetSlug).requests;
  if (topup === undefined || read === undefined) throw new Error('there are no users to ask for');
  const posted = await sendOne(coffer.baseUrl, topup, `no-op-${Date.now()}`);
  coffer.tally.acknowledged += 1;
  const balance = await sendOne(coffer.baseUrl, read, '');
  const port = await freePort();
  const baseUrl = `http://127.0.0.1:${port}`;
  const running = startProcess({
    command: process.execPath,
    args: [...startSettings().flags, fileURLToPath(new URL('./no-op-fastify-process.ts', import.meta.url))],
    env: {
      ...process.env,
      PORT: String(port),
      POST_ANSWER: JSON.stringify(posted),
      GET_ANSWER: JSON.stringify(balance),
    },
  });
  bench.defer(async () => void (await running.stop()));
  await waitUntilReady({ process: running, url: `${baseUrl}/ready`, timeoutMs: READY_TIMEOUT_MS });
  return {
    contender: ({ plan, connections }) => ({
      name: NO_OP,
      async measure() {
        const load = { baseUrl, plan, connections };
        await bench.generator.run({ ...load, seconds: bench.options.warmUpSeconds });
        const cpuBefore = await readCpuSeconds(running.pid);
        const result = await bench.generator.run({ ...load, seconds: bench.options.seconds });
        const cpuSeconds = (await readCpuSeconds(running.pid)) - cpuBefore;
        if (result.failed > 0) bench.fail(`${NO_OP}: ${result.failed} requests failed`);
        const { throughput, p50Ms, p99Ms, maxMs } = result;
        return { ...NO_FIGURES, throughput, p50Ms, p99Ms, maxMs, processCpu: cpuSeconds / result.seconds };
      },
    }),
  };
}
