// Top-ups against what bounds them: the framework without a ledger behind it, and PostgreSQL without a service before it. And many
// commands a request against one: what is left of the cost of a command without its own request.

import { prepareBareWriter } from '../limits/bare-writer.ts';
import { startNoOpFastify } from '../limits/no-op-fastify.ts';
import { runBatches } from '../load/batch-loop.ts';
import { topups } from '../load/plan.ts';
import { readCpuSeconds } from '../process-figures.ts';
import { waitUntilQuiet } from '../postgres/quiet.ts';
import type { System } from '../systems/system.ts';
import { alternate, systemContender, type Contender } from './alternate.ts';
import { NO_FIGURES, type Bench, type Scenario } from './scenario.ts';

const COMMANDS = 500;
const BATCH_CONNECTIONS = 4;
const CONNECTIONS = 256;
const RECEIVING_USERS = 1_000;

export const ONE_A_REQUEST = 'coffer, one a request';
export const MANY_A_REQUEST = `coffer, ${COMMANDS} a request`;

export const limits: Scenario = {
  name: 'limits',
  title: `top-ups of one asset, ${CONNECTIONS} connections, ${BATCH_CONNECTIONS} with batches`,
  async run(bench) {
    const coffer = (await bench.systems()).find((system) => system.name === 'coffer');
    if (coffer === undefined) return { rows: [], facts: [] };
    const load = {
      plan: topups(coffer.users.slice(0, RECEIVING_USERS), coffer.assetSlug),
      connections: CONNECTIONS,
    };
    const contenders = [
      { ...systemContender(bench, coffer, load), name: ONE_A_REQUEST },
      batchContender(bench, coffer),
      (await startNoOpFastify(bench, coffer)).contender(load),
      await prepareBareWriter(bench, COMMANDS),
    ];
    return { rows: await alternate(bench, contenders), facts: [] };
  },
};

function batchContender(bench: Bench, system: System): Contender {
  const { baseUrl, assetSlug } = system;
  const users = system.users.slice(0, RECEIVING_USERS);
  const load = { baseUrl, users, assetSlug, commands: COMMANDS, connections: BATCH_CONNECTIONS };

  async function run(seconds: number) {
    const result = await runBatches({ ...load, seconds });
    system.tally.acknowledged += result.acknowledged;
    if (result.failed > 0) bench.fail(`${system.name}: ${result.failed} commands of batches failed`);
    return result;
  }

  return {
    name: MANY_A_REQUEST,
    async measure() {
      await run(bench.options.warmUpSeconds);
      await waitUntilQuiet(system.databaseUrl);
      const cpuBefore = await readCpuSeconds(system.process.pid);
      const batchesBefore = await system.readBatches();
      const result = await run(bench.options.seconds);
      const cpuSeconds = (await readCpuSeconds(system.process.pid)) - cpuBefore;
      const batches = await system.readBatches();
      const backlog = await system.settle();
      return {
        ...NO_FIGURES,
        throughput: result.throughput,
        p50Ms: result.p50Ms,
        p99Ms: result.p99Ms,
        maxMs: result.maxMs,
        processCpu: cpuSeconds / result.seconds,
        batchCommands:
          batches && batchesBefore
            ? (batches.commands - batchesBefore.commands) / (batches.batches - batchesBefore.batches)
            : null,
        backlogEvents: backlog?.events ?? null,
      };
    },
  };
}
