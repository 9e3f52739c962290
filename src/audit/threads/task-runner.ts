/** Who does the tasks of an audit: threads side by side, or, where that is not worth it, the one that asks. */
import { availableParallelism } from 'node:os';
import { createTaskThreads, type TaskRunner } from './task-threads.ts';

/** 1: the thread that asks. 'auto': one a processor, for logs that are long enough. */
export type Threads = number | 'auto';

/** Beyond a few, the database is what they wait for. */
const MAX_THREADS = 8;
/** A thread takes as long to start as so many events to fold. */
const WORTH_THREADS = 16_384n;

export type RunnerOptions<Task, Result> = {
  readonly threads: number;
  /** What a thread runs. */
  readonly module: URL;
  readonly workerData: unknown;
  /** The same, without a thread. */
  readonly serve: (task: Task, onProgress: (positions: bigint) => void) => Promise<Result>;
  readonly onProgress: (positions: bigint) => void;
};

export function threadsFor(threads: Threads, events: bigint): number {
  if (threads !== 'auto') return threads;
  return events < WORTH_THREADS ? 1 : Math.min(availableParallelism(), MAX_THREADS);
}

export function createTaskRunner<Task, Result>(
  options: RunnerOptions<Task, Result>,
): TaskRunner<Task, Result> {
  const { threads, module, serve, onProgress } = options;
  if (threads > 1) return createTaskThreads(module, options);
  return {
    async run(tasks, onResult) {
      for await (const task of tasks) await onResult(await serve(task, onProgress));
    },
    close: async () => undefined,
  };
}
