/** Threads that each do one task after the other; results come in the order in which the tasks were given. */
import { Worker } from 'node:worker_threads';

/** Tasks given out beyond one a thread, so that no thread waits for the one that reads the results. */
const AHEAD = 1;

/** Events leave nothing behind: a larger one would only fill up. */
const YOUNG_GENERATION_MB = 16;

type Job = { readonly resolve: (result: never) => void; readonly reject: (error: Error) => void };

/** What a thread is sent: a task, or null to end. What it answers: how it gets on, and in the end the result, or why there is none. */
export type Answer<Result> =
  | { readonly progress: bigint }
  | { readonly result: Result }
  | { readonly error: unknown };

export type TaskRunner<Task, Result> = {
  /** Calls `onResult` for each task in turn. Rejects with the first error, of a task or of `onResult`. To be called once. */
  readonly run: (
    tasks: AsyncIterable<Task>,
    onResult: (result: Result) => Promise<void> | void,
  ) => Promise<void>;
  readonly close: () => Promise<void>;
};

export function createTaskThreads<Task, Result>(
  module: URL,
  options: { threads: number; workerData: unknown; onProgress: (progress: bigint) => void },
): TaskRunner<Task, Result> {
  const threads = Array.from({ length: options.threads }, () => createThread(module, options));

  return {
    async run(tasks, onResult) {
      const given: Promise<Result>[] = [];
      let next = 0;
      const handleFirst = async (): Promise<void> => {
        const first = given.shift();
        if (first !== undefined) await onResult(await first);
      };
      try {
        for await (const task of tasks) {
          if (given.length >= threads.length * (1 + AHEAD)) await handleFirst();
          const thread = threads[next % threads.length];
          if (thread === undefined) throw new RangeError('there are no threads');
          given.push(thread.give(task) as Promise<Result>);
          next += 1;
        }
        // Each ends with its last task: what it holds is not to lie beside what becomes of the results.
        for (const thread of threads) thread.end();
        while (given.length > 0) await handleFirst();
      } finally {
        // Of those that nobody waits for any more, nobody wants to know why they failed.
        await Promise.allSettled(given);
      }
    },
    async close() {
      await Promise.all(threads.map((thread) => thread.close()));
    },
  };
}

/** Tasks wait in the thread's own queue of messages, and are answered in order. */
function createThread(
  module: URL,
  { workerData, onProgress }: { workerData: unknown; onProgress: (progress: bigint) => void },
) {
  const worker = new Worker(module, {
    workerData,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
  });
  const waiting: Job[] = [];
  let ended: Error | null = null;
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));

  function end(error: Error): void {
    ended ??= error;
    for (const job of waiting.splice(0)) job.reject(ended);
  }
  worker.on('message', (answer: Answer<never>) => {
    if ('progress' in answer) return onProgress(answer.progress);
    const job = waiting.shift();
    if ('error' in answer)
      job?.reject(answer.error instanceof Error ? answer.error : new Error(String(answer.error)));
    else job?.resolve(answer.result);
  });
  worker.on('error', (error: Error) => end(error));
  worker.on('exit', (code) => end(new Error(`a thread ended with code ${code}`)));

  return {
    give(task: unknown): Promise<unknown> {
      const given = new Promise<unknown>((resolve, reject) => {
        if (ended === null) waiting.push({ resolve, reject });
        else reject(ended);
      });
      // It may fail before its turn to be waited for has come.
      given.catch(() => undefined);
      worker.postMessage(task);
      return given;
    },
    /** After the tasks that were given; there are no others. */
    end(): void {
      worker.postMessage(null);
    },
    async close(): Promise<void> {
      worker.postMessage(null);
      await exited;
    },
  };
}
