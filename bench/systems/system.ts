// What every system under test offers the scenarios. Paths and bodies are the same for all of them
// (docs of the HTTP contract), so a load plan made from `users` and `assetSlug` fits each.

import type { MemoryWatch } from '../process-figures.ts';
import type { RunningProcess } from '../child-process.ts';

/** `other`: Coffer from another checkout. The last two: Coffer on a log that is long already, and on one that is not. */
export type SystemName = 'baseline' | 'coffer' | 'other' | 'long log' | 'empty log';

export type SystemStart = {
  /** Variables of its environment, for what is not a measurement. */
  environment?: Record<string, string>;
  /** `api`: its worker is a process of its own, which is there already. By default one process does all. */
  command?: 'serve' | 'api';
  databaseUrl: string;
  userCount: number;
  /** For what has to be ended at the end of the run. */
  defer(end: () => Promise<void>): void;
};

export type Batches = { commands: number; batches: number };

/** How far the read models were behind when a load ended, and how long they took to catch up. */
export type Backlog = { events: number; caughtUpMs: number };

/** Queries of one value each, over everything the run has written. */
export type HonestySql = {
  postedTransactions: string;
  distinctKeys: string;
  sumOfEntries: string;
  sumOfWallets: string;
  usersTotal: string;
};

export type System = {
  name: SystemName;
  baseUrl: string;
  databaseUrl: string;
  process: RunningProcess;
  memory: MemoryWatch;
  /** Users with money in `assetSlug`, as many as a run starts with. */
  users: readonly string[];
  /** Those and more of their kind, so many in all: for what shows only among very many. */
  crowd(count: number): Promise<readonly string[]>;
  /** All there are so far. */
  enrolled(): readonly string[];
  assetSlug: string;
  /** What the run has sent so far, to be compared with what the database holds at the end. */
  tally: Tally;
  honestySql: HonestySql;
  /** Undefined where commands don't share commits. */
  readBatches(): Promise<Batches> | undefined;
  /** Waits until the read models have caught up. Undefined where there are none. */
  settle(): Promise<Backlog> | undefined;
};

export type Tally = {
  /** Commands answered 2xx. */
  acknowledged: number;
  /** Commands that may have been in flight when a closed loop hung up: posted or not, nobody was told. */
  cutOff: number;
};
