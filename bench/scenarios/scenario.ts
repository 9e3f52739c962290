// A scenario measures one thing on all systems and says what it found as rows of the table and as facts.
// To add one: write a file here that exports a `Scenario`, and put it into catalog.ts, in the order
// in which it shall run. What it must reach goes into ../goals.ts, which finds rows and facts by name.

import type { Generator } from '../load/generator.ts';
import type { Options } from '../options.ts';
import type { Pgbench, PgbenchResult } from '../postgres/pgbench.ts';
import type { PostgresServer } from '../postgres/server.ts';
import type { LongLog } from '../systems/log-system.ts';
import type { System } from '../systems/system.ts';

export type Scenario = {
  /** For --only. */
  name: string;
  title: string;
  /** Left out unless --only names it. */
  onRequest?: true;
  run(bench: Bench): Promise<ScenarioResult>;
};

export type ScenarioResult = { rows: Row[]; facts: Fact[] };

/** Medians over the rounds; null where a system has no such figure. */
export type Row = Figures & { system: string; rounds: Figures[] };

export type Figures = {
  throughput: number;
  p50Ms: number | null;
  p99Ms: number | null;
  maxMs: number | null;
  /** Cores used by the system's own process, without PostgreSQL. */
  processCpu: number | null;
  /** Microseconds of CPU that an answer took, of the system's own process and of PostgreSQL; null where that is elsewhere. */
  cpuMicros: number | null;
  /** Commands that shared one commit, on average. */
  batchCommands: number | null;
  walBytesPerCommand: number | null;
  /** Flushes of the log to disk, per second. */
  flushesPerSecond: number | null;
  /** Events the read models were behind when the load ended. */
  backlogEvents: number | null;
};

/** What is left of figures where nothing but a throughput is measured. */
export const NO_FIGURES: Omit<Figures, 'throughput'> = {
  p50Ms: null,
  p99Ms: null,
  maxMs: null,
  processCpu: null,
  cpuMicros: null,
  batchCommands: null,
  walBytesPerCommand: null,
  flushesPerSecond: null,
  backlogEvents: null,
};

/** One figure that is no throughput. */
export type Fact = { name: string; label: string; value: number; unit: string };

export type BestPgbench = { pgbench: Pgbench; best: PgbenchResult; scan: readonly PgbenchResult[] };

/** What a scenario may use. Servers and systems start when they are first asked for. */
export type Bench = {
  options: Options;
  generator: Generator;
  log(line: string): void;
  /** Registers what has to be ended, also when the run is interrupted. Last in, first out. */
  defer(end: () => Promise<void>): void;
  server(): Promise<PostgresServer>;
  /** Those selected with --systems, the baseline first. */
  systems(): Promise<readonly System[]>;
  /** Undefined where pgbench is not installed. */
  pgbench(): Promise<BestPgbench | undefined>;
  /** Coffer on a long log: the one that --log names, else one that is made for it. */
  longLog(): Promise<LongLog>;
  /** Coffer on a log that has just begun, to be compared with the long one. */
  emptyLog(): Promise<System>;
  /** What has been started so far. */
  started(): { server: PostgresServer | undefined; systems: readonly System[]; pgbench: Pgbench | undefined };
  /** An answer that was not a 2xx, or another fault: reported, and the run fails. */
  fail(message: string): void;
};
