// The report as text for people and as JSON for machines, both from the same object.

import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Outcome } from './outcomes.ts';
import type { HonestyReport } from './honesty.ts';
import type { Ceiling } from './load/ceiling.ts';
import type { Machine } from './machine.ts';
import type { Options } from './options.ts';
import type { PostgresSettings } from './postgres/server.ts';
import type { Row, ScenarioResult } from './scenarios/scenario.ts';
import { pairedRatio } from './statistics.ts';

export type Report = {
  startedAt: string;
  seconds: number;
  machine: Machine;
  postgres: (PostgresSettings & { origin: string }) | null;
  pgbench: string | null;
  generator: { name: string; ceiling: Ceiling | null };
  options: Options;
  scenarios: ({ name: string; title: string } & ScenarioResult)[];
  memory: { system: string; peakMB: number | null; samples: readonly object[] }[];
  honesty: HonestyReport[];
  goals: Outcome[];
  failures: string[];
};

const COLUMNS = [
  'scenario',
  'system',
  'per second',
  'p50 ms',
  'p99 ms',
  'x baseline',
  'CPU',
  'batch',
  'WAL B/cmd',
  'behind',
];

/** From this share of the CPU on, the reader should know that others were using it. */
const DISTURBED = 0.1;

export function renderReport(report: Report): string {
  return [
    ...renderSetting(report),
    '',
    ...renderTable([COLUMNS, ...report.scenarios.flatMap(renderRows)], 2),
    '',
    ...renderFacts(report),
    '',
    ...renderGoals(report.goals),
    '',
    ...report.honesty.map(renderHonesty),
    ...report.failures.map((failure) => `FAILED: ${failure}`),
    `${report.failures.length === 0 ? 'Every answer was a 2xx.' : 'The run failed.'} ${Math.round(report.seconds)} s.`,
  ].join('\n');
}

export async function writeReport(path: string, report: Report): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, JSON.stringify(report, undefined, 2) + '\n');
}

function renderSetting({ machine, postgres, pgbench, generator, options }: Report): string[] {
  const { ceiling } = generator;
  const lines = [
    `Machine     ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGB} GB, Node ${machine.node}`,
  ];
  if (machine.busyBefore !== null && machine.busyBefore > DISTURBED) {
    lines.push(
      `            others used ${Math.round(machine.busyBefore * 100)} % of it before the run: expect noise`,
    );
  }
  if (postgres) {
    const { shown, changed, durable, origin } = postgres;
    lines.push(
      `PostgreSQL  ${shown['server_version']} (${origin}), fsync ${shown['fsync']}, synchronous_commit ` +
        `${shown['synchronous_commit']}${durable ? '' : ': COMMITS ARE NOT DURABLE, the figures prove nothing'}`,
      `            not default: ${entriesText(changed) || 'nothing'}`,
    );
  }
  lines.push(`pgbench     ${pgbench ?? 'not measured (not installed, or not asked for)'}`);
  lines.push(
    `Generator   ${generator.name}` +
      (ceiling
        ? `, by itself ${count(ceiling.topupsPerSecond)} top-ups/s and ${count(ceiling.readsPerSecond)} reads/s`
        : ''),
  );
  lines.push(
    `Measured    medians of ${options.rounds} rounds of ${options.seconds} s in turns, after a warm-up`,
  );
  return lines;
}

function renderRows(scenario: Report['scenarios'][number]): string[][] {
  const baseline = scenario.rows.find((row) => row.system === 'baseline');
  return scenario.rows.map((row, index) => [
    index === 0 ? scenario.title : '',
    row.system,
    count(row.throughput),
    decimals(row.p50Ms, 2),
    decimals(row.p99Ms, 2),
    decimals(againstBaseline(row, baseline), 2),
    row.processCpu === null ? '-' : `${Math.round(row.processCpu * 100)} %`,
    row.cpuMicros === null ? '-' : count(row.cpuMicros),
    decimals(row.batchCommands, 1),
    row.walBytesPerCommand === null ? '-' : count(row.walBytesPerCommand),
    row.backlogEvents === null ? '-' : count(row.backlogEvents),
  ]);
}

function againstBaseline(row: Row, baseline: Row | undefined): number | null {
  const throughputs = (of: Row) => of.rounds.map((round) => round.throughput);
  return baseline ? (pairedRatio(throughputs(row), throughputs(baseline))?.median ?? null) : null;
}

function renderFacts(report: Report): string[] {
  const facts = report.scenarios.flatMap((scenario) =>
    scenario.facts.map((fact) => [
      `${scenario.name}: ${fact.label}`,
      `${decimals(fact.value, 2)} ${fact.unit}`,
    ]),
  );
  const memory = report.memory.map(({ system, peakMB }) => [
    `memory: peak of the ${system} process`,
    `${decimals(peakMB, 0)} MB`,
  ]);
  return renderTable([...facts, ...memory], 1);
}

function renderGoals(goals: Outcome[]): string[] {
  const rows = goals.map((goal) => [
    goal.goal,
    goal.target,
    goal.measured ?? 'not measured',
    goal.reached === null ? '-' : goal.reached ? 'reached' : 'NOT REACHED',
  ]);
  return renderTable([['goal', 'target', 'measured', ''], ...rows], 1);
}

function renderHonesty(honesty: HonestyReport): string {
  const { system, acknowledged, cutOff, posted, findings } = honesty;
  const counts = `${count(acknowledged)} acknowledged, ${count(posted)} posted, at most ${count(cutOff)} cut off`;
  return findings.length === 0
    ? `Checked     ${system}: ${counts}; entries and wallets sum to zero, balances shown add up`
    : `Checked     ${system}: ${counts}; ${findings.join('; ')}`;
}

/** Aligned with spaces: the first `textColumns` to the left, the others, figures, to the right. */
function renderTable(rows: readonly string[][], textColumns: number): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    });
  }
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return column < textColumns ? cell.padEnd(width) : cell.padStart(width);
      })
      .join('  ')
      .trimEnd(),
  );
}

function entriesText(record: Record<string, string>): string {
  return Object.entries(record)
    .map(([name, value]) => `${name} = ${value}`)
    .join(', ');
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en');
}

function decimals(value: number | null, digits: number): string {
  return value === null || Number.isNaN(value) ? '-' : value.toFixed(digits);
}
