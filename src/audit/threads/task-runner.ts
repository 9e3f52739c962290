/** Who does the tasks of an audit: the one that asks, and, where there is enough to do, threads beside it. */
import { availableParallelism } from 'node:os';
import { createThread } from './task-threads.ts';

/** How many work side by side. 1: the one that asks. 'auto': one a processor, for logs that are long enough. */
export type Threads = number | 'auto';

/** Beyond a few, the database is what they wait for. */
const MAX_THREADS = 8;
/** A thread takes as long to start as so many events to fold. */
const WORTH_THREADS = 16_384n;
/** Results a hand that may wait to be read, because one of an earlier task is missing. */
const AHEAD = 1;

/** Does one task after the other, in the order in which they are given. */
export type Hand<Task, Result> = {
  readonly give: (task: Task) => Promise<Result>;
  /** After the tasks that were given; there are no others. */
  readonly end: () => void;
  readonly close: () => Promise<void>;
};

export type RunnerOptions<Task, Result> = {
  readonly threads: number;
  /** What a thread runs. */
  readonly module: URL;
  readonly workerData: unknown;
  /** The same, without a thread. */
  readonly serve: (task: Task, onProgress: (positions: bigint) => void) => Promise<Result>;
  readonly onProgress: (positions: bigint) => void;
};

export type TaskRunner<Task, Result> = {
  /**
   * Calls `onResult` for each task in turn, in the order of the tasks. Rejects with the first error, of a task or of `onResult`. To be called
   * once.
   */
  readonly run: (
    tasks: AsyncIterable<Task>,
    onResult: (result: Result) => Promise<void> | void,
  ) => Promise<void>;
  readonly close: () => Promise<void>;
};

export function threadsFor(threads: Threads, events: bigint): number {
  if (threads !== 'auto') return threads;
  return events < WORTH_THREADS ? 1 : Math.min(availableParallelism(), MAX_THREADS);
}

/** Who asks has a hand in it: a thread for each processor would leave one more that holds the program, and does nothing. */
export function createTaskRunner<Task, Result>(
  options: RunnerOptions<Task, Result>,
): TaskRunner<Task, Result> {
  const { threads, module, serve, onProgress } = options;
  if (threads === 1)
    return {
      async run(tasks, onResult) {
        for await (const task of tasks) await onResult(await serve(task, onProgress));
      },
      close: async () => undefined,
    };
  const others = Array.from({ length: threads - 1 }, () => createThread<Task, Result>(module, options));
  return shareOut([ownHand(options), ...others]);
}

/** Each hand takes the next task when it has done the one before. */
function shareOut<Task, Result>(hands: readonly Hand<Task, Result>[]): TaskRunner<Task, Result> {
  const mostUnread = hands.length * (1 + AHEAD);
  return {
    async run(tasks, onResult) {
      const rest = tasks[Symbol.asyncIterator]();
      /** For each task in turn, when its result was read. */
      const read: Promise<void>[] = [];
      let stopped = false;

      async function work(hand: Hand<Task, Result>): Promise<void> {
        for (;;) {
          const next = await rest.next();
          if (stopped || next.done === true) break;
          const result = hand.give(next.value);
          const turn = Promise.all([result, read.at(-1)]).then(([value]) => onResult(value));
          // It may fail before anybody waits for it.
          turn.catch(() => undefined);
          read.push(turn);
          await result;
          await read.at(-mostUnread);
        }
        // What it holds is not to lie beside what becomes of the results.
        hand.end();
      }

      const working = hands.map(work);
      try {
        await Promise.all(working);
        await read.at(-1);
      } finally {
        stopped = true;
        await Promise.allSettled(working);
      }
    },
    async close() {
      await Promise.all(hands.map((hand) => hand.close()));
    },
  };
}

function ownHand<Task, Result>({ serve, onProgress }: RunnerOptions<Task, Result>): Hand<Task, Result> {
  let last: Promise<unknown> = Promise.resolve();
  return {
    give(task) {
      const result = last.then(() => serve(task, onProgress));
      // It may fail before its turn to be waited for has come; what was given after it is not begun then.
      result.catch(() => undefined);
      last = result;
      return result;
    },
    end: () => undefined,
    close: async () => undefined,
  };
}
