/** The other end of task-threads.ts: what runs in a thread. */
import { parentPort } from 'node:worker_threads';
import type { Answer } from './task-threads.ts';

/** Serves tasks, one at a time, until there are no more; then lets go of what it holds. */
export function serveTasks<Task, Result>(
  serve: (task: Task, onProgress: (progress: bigint) => void) => Promise<Result>,
  close: () => Promise<void>,
): void {
  const port = parentPort;
  if (port === null) throw new Error('this module runs in a thread');
  let last: Promise<void> = Promise.resolve();

  async function answer(task: Task): Promise<void> {
    const tell = (answered: Answer<Result>): void => port?.postMessage(answered);
    const reply: Answer<Result> = await serve(task, (progress) => tell({ progress })).then(
      (result) => ({ result }),
      (error: unknown) => ({ error }),
    );
    tell(reply);
  }

  port.on('message', (task: Task | null) => {
    last = last.then(() => {
      if (task !== null) return answer(task);
      port.close();
      return close();
    });
  });
}
