/** What hands have to do in task-runner.test.ts: a negative number fails. */
import { setImmediate as turn } from 'node:timers/promises';

export async function double(task: number, onProgress: (progress: bigint) => void): Promise<number> {
  // Later tasks are done sooner.
  for (let left = 20 - task; left > 0; left -= 1) await turn();
  if (task < 0) throw new Error(`no ${task}`);
  onProgress(1n);
  return 2 * task;
}
