// Entry of `npm run bench`. Exits 1 when an answer was not a 2xx or the databases don't hold what was
// acknowledged, 2 on a wrong option or a ledger that is not to be filled.

import { createBench } from './bench.ts';
import { LedgerNotEmptyError } from './fill/fill-ledger.ts';
import type { FillOrder } from './fill/fill-order.ts';
import { runFill } from './fill/run-fill.ts';
import { judge } from './goals.ts';
import { checkHonesty } from './honesty.ts';
import { measureCeiling } from './load/ceiling.ts';
import { describeMachine, type Machine } from './machine.ts';
import { HELP, readOptions, type Options } from './options.ts';
import { renderReport, writeReport, type Report } from './report.ts';
import { selectScenarios } from './scenarios/catalog.ts';
import { runSoak, SOAK_ENVIRONMENT, SOAK_USERS } from './scenarios/soak.ts';
import { startCoffer, startWorker } from './systems/coffer.ts';
import type { Bench, Scenario, ScenarioResult } from './scenarios/scenario.ts';

const log = (line: string) => process.stderr.write(`${line}\n`);

/** However it ends, by an error or by Ctrl-C, no server and no temporary directory stays behind. */
async function runToTheEnd<Result>(
  work: (cleanup: AsyncDisposableStack) => Promise<Result>,
): Promise<Result> {
  await using cleanup = new AsyncDisposableStack();
  return await Promise.race([work(cleanup), interruption()]);
}

function interruption(): Promise<never> {
  return new Promise((_resolve, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => reject(new Error(`${signal}: stopping what was started`)));
    }
  });
}

type Order = { options: Options; chosen: readonly Scenario[]; cleanup: AsyncDisposableStack };

async function measure({ options, chosen, cleanup }: Order): Promise<Report> {
  const started = new Date();
  const failures: string[] = [];
  const machine = await describeMachine();
  const bench = await createBench({ options, log, cleanup, failures });

  log(`generator: ${bench.generator.name}, measuring what it can do by itself`);
  const ceiling = await measureCeiling(bench.generator, options.quick ? 1 : 3);
  const results = new Map<string, ScenarioResult>();
  for (const scenario of chosen) {
    log(scenario.title);
    results.set(scenario.name, await scenario.run(bench));
  }
  return await conclude(bench, { started, machine, failures, ceiling, chosen, results });
}

type Run = {
  started: Date;
  machine: Machine;
  failures: string[];
  ceiling: Report['generator']['ceiling'];
  chosen: readonly Scenario[];
  results: Map<string, ScenarioResult>;
};

async function conclude(bench: Bench, run: Run): Promise<Report> {
  const { server, systems, pgbench } = bench.started();
  const honesty = [];
  for (const system of systems) {
    const report = await checkHonesty(system);
    for (const finding of report.findings) bench.fail(`${system.name}: ${finding}`);
    honesty.push(report);
    await system.memory.read();
  }
  const coffer = systems.find((system) => system.name === 'coffer');
  return {
    startedAt: run.started.toISOString(),
    seconds: (Date.now() - run.started.getTime()) / 1000,
    machine: run.machine,
    postgres: server ? { ...server.settings, origin: server.origin } : null,
    pgbench: pgbench?.version ?? null,
    generator: { name: bench.generator.name, ceiling: run.ceiling },
    options: bench.options,
    scenarios: run.chosen.map(({ name, title }) => ({
      name,
      title,
      ...(run.results.get(name) ?? { rows: [], facts: [] }),
    })),
    memory: systems.map(({ name, memory }) => ({
      system: name,
      peakMB: memory.figures()?.peakMB ?? null,
      samples: memory.samples(),
    })),
    honesty,
    goals: judge({ results: run.results, cofferMemory: coffer?.memory.figures() }),
    failures: run.failures,
  };
}

async function fill(order: FillOrder): Promise<number> {
  try {
    await runToTheEnd((cleanup) => runFill({ order, log, cleanup }));
    return 0;
  } catch (error) {
    const isRefused = error instanceof LedgerNotEmptyError;
    log(isRefused ? error.message : String(error instanceof Error ? error.stack : error));
    return isRefused ? 2 : 1;
  }
}

/** Exits 1 with a sentence for each thing that should not have been. */
async function soak(options: Options, minutes: number): Promise<number> {
  const findings = await runToTheEnd(async (cleanup) => {
    const bench = await createBench({ options, log, cleanup, failures: [] });
    const databaseUrl = await (await bench.server()).createDatabase('soak');
    const worker = await startWorker({ databaseUrl, defer: bench.defer });
    const coffer = await startCoffer({
      ...{ databaseUrl, userCount: SOAK_USERS, defer: bench.defer, command: 'api' },
      environment: SOAK_ENVIRONMENT,
    });
    return runSoak({ coffer, worker, minutes, log: (line) => process.stdout.write(`${line}\n`) });
  });
  for (const finding of findings) process.stdout.write(`FOUND: ${finding}\n`);
  return findings.length === 0 ? 0 : 1;
}

async function main(): Promise<number> {
  let options: Options | undefined;
  let chosen: readonly Scenario[];
  try {
    options = readOptions(process.argv.slice(2));
    chosen = selectScenarios(options?.only ?? []);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`);
    return 2;
  }
  if (!options) {
    process.stdout.write(HELP);
    return 0;
  }
  if (options.soak !== null) return await soak(options, options.soak);
  if (options.fill !== null) return await fill(options.fill);
  const what = { options, chosen };
  const report = await runToTheEnd((cleanup) => measure({ ...what, cleanup })).catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    return undefined;
  });
  if (!report) return 1;
  await writeReport(options.jsonPath, report);
  process.stdout.write(`\n${renderReport(report)}\n`);
  const missed = options.requireGoals && report.goals.some((goal) => goal.reached === false);
  return report.failures.length > 0 || missed ? 1 : 0;
}

// Not left to the event loop: what an interrupted run was doing may still be waiting.
process.exit(await main());
