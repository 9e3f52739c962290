/** Batches of several processes, stepped through lock, look-up, append and commit in any order a test asks for. */
import { pino } from 'pino';
import type pg from 'pg';
import type { Command } from '../../src/commands/schemas.ts';
import type { Answer } from '../../src/commands/submission.ts';
import { createWriteSide } from '../../src/commands/write-side.ts';
import { LEDGER_ID, requestOf } from '../support/write-side.ts';
import { openGatedPool, type GatedPool, type Statement } from './gated-pool.ts';

/** What a batch goes through. A batch that has to run again does so without being stepped. */
const STEPS: number = ['lock', 'look-up', 'append', 'commit'].length;
const LIMIT_MS = 20_000;

export type Planned = {
  readonly command: Command;
  readonly key?: string;
  /** Done before, by the same process and unstepped: it then knows what it left. */
  readonly warmUp?: Command;
};

export type Stepper = {
  /** Each plan is a batch of a process of its own; `order` names the one that takes the next step. */
  run(plans: readonly Planned[], order: readonly number[]): Promise<Answer[]>;
  close(): Promise<void>;
};

/** Every order in which so many batches can take their steps. */
export function everyOrder(batches: number): number[][] {
  const orders: number[][] = [];
  const left = Array.from({ length: batches }, () => STEPS);
  function extend(order: readonly number[]): void {
    if (order.length === batches * STEPS) orders.push([...order]);
    for (const [batch, steps] of left.entries()) {
      if (steps === 0) continue;
      left[batch]! -= 1;
      extend([...order, batch]);
      left[batch]! += 1;
    }
  }
  extend([]);
  return orders;
}

type Actor = {
  gated: GatedPool;
  /** How many steps it may take, and in which it is. */
  allowed: number;
  phase: number;
  attempts: number;
  waiting: (() => void)[];
  done: boolean;
};

export function openStepper(url: string, observer: pg.Client, processes: number): Stepper {
  const actors: Actor[] = Array.from({ length: processes }, () => {
    const actor: Omit<Actor, 'gated'> = {
      ...{ allowed: 0, phase: 0, attempts: 0, done: false },
      waiting: [],
    };
    const gated = openGatedPool(url, () => (statement) => admit(actor as Actor, statement));
    return Object.assign(actor, { gated });
  });

  async function step(actor: Actor): Promise<void> {
    actor.allowed += 1;
    actor.waiting.splice(0).forEach((wake) => wake());
    await settled(actor);
  }

  /** It waits for its next step, or for a lock that another one holds, or has ended. */
  async function settled(actor: Actor): Promise<void> {
    const end = performance.now() + LIMIT_MS;
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      if (actor.done || (actor.waiting.length > 0 && actor.gated.underWay().length === 0)) return;
      if (await waitsForLock(actor)) return;
      if (performance.now() > end) throw new Error('a batch neither goes on nor waits');
    }
  }

  async function waitsForLock(actor: Actor): Promise<boolean> {
    const pids = actor.gated.underWay().map(({ pid }) => pid);
    if (pids.length === 0) return false;
    const { rowCount } = await observer.query(
      `select from pg_stat_activity where pid = any ($1::integer[]) and wait_event_type = 'Lock'`,
      [pids],
    );
    return rowCount !== 0;
  }

  /** Resolves to what begins the stepped batch. */
  async function prepare(actor: Actor, { command, key, warmUp }: Planned): Promise<() => Promise<Answer>> {
    Object.assign(actor, { allowed: STEPS, phase: 0, attempts: 0, done: false });
    const queue = createWriteSide({
      pool: actor.gated.pool,
      ledgerId: LEDGER_ID,
      log: pino({ level: 'silent' }),
      ...{ maxBatch: 500, maxQueue: 10_000 },
      onCommitted: () => undefined,
      onRetry: () => {
        actor.attempts += 1;
      },
    });
    if (warmUp !== undefined) await queue.submit(requestOf(warmUp));
    Object.assign(actor, { allowed: 0, phase: 0, attempts: 0 });
    return async () => {
      try {
        return await queue.submit(requestOf(command, key));
      } finally {
        actor.done = true;
        await queue.close();
      }
    };
  }

  return {
    async run(plans, order) {
      const begins: (() => Promise<Answer>)[] = [];
      for (const [index, plan] of plans.entries()) begins.push(await prepare(actors[index]!, plan));
      const answers = Promise.allSettled(begins.map((begin) => begin()));
      const running = actors.slice(0, plans.length);
      for (const actor of running) await settled(actor);
      for (const index of order) await step(actors[index]!);
      for (const actor of running) {
        actor.allowed = STEPS;
        actor.waiting.splice(0).forEach((wake) => wake());
      }
      return (await answers).map((outcome) => {
        if (outcome.status === 'rejected') throw outcome.reason;
        return outcome.value;
      });
    },
    async close() {
      await Promise.all(actors.map(({ gated }) => gated.close()));
    },
  };
}

async function admit(actor: Actor, { name }: Statement): Promise<void> {
  if (name === 'commit') actor.phase = 3;
  else if (name === 'append') actor.phase = 2;
  else if (name === 'read-under-locks') actor.phase = 1;
  else if (name === 'begin') actor.phase = 0;
  while (actor.attempts === 0 && actor.phase >= actor.allowed) {
    await new Promise<void>((resolve) => {
      actor.waiting.push(resolve);
    });
  }
}
