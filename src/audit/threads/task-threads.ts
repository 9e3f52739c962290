/** Threads that each do one task after the other. */
import { Worker } from 'node:worker_threads';
import type { Hand } from './task-runner.ts';

/** Events leave nothing behind: a larger one would only fill up. */
const YOUNG_GENERATION_MB = 24;

type Job = { readonly resolve: (result: never) => void; readonly reject: (error: Error) => void };

/** What a thread is sent: a task, or null to end. What it answers: how it gets on, and in the end the result, or why there is none. */
export type Answer<Result> =
  | { readonly progress: bigint }
  | { readonly result: Result }
  | { readonly error: unknown };

/** Tasks wait in the thread's own queue of messages, and are answered in order. */
export function createThread<Task, Result>(
  module: URL,
  { workerData, onProgress }: { workerData: unknown; onProgress: (progress: bigint) => void },
): Hand<Task, Result> {
  const worker = new Worker(module, {
    workerData,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
  });
  const waiting: Job[] = [];
  let ended: Error | null = null;
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));

  function fail(error: Error): void {
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
  worker.on('error', (error: Error) => fail(error));
  worker.on('exit', (code) => fail(new Error(`a thread ended with code ${code}`)));

  return {
    give(task) {
      const given = new Promise<Result>((resolve, reject) => {
        if (ended === null) waiting.push({ resolve, reject });
        else reject(ended);
      });
      // It may fail before its turn to be waited for has come.
      given.catch(() => undefined);
      worker.postMessage(task);
      return given;
    },
    end: () => worker.postMessage(null),
    async close(): Promise<void> {
      worker.postMessage(null);
      await exited;
    },
  };
}
