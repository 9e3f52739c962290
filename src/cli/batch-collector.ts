/** How garbage is collected by commands that work through millions of events, where nobody waits for an answer. */
import { setFlagsFromString } from 'node:v8';

/**
 * Marking stops the thread: of what it would mark on the way most is garbage by the time it is done. And the next one comes when the heap has grown
 * by so much, which keeps the threads of a long log within their memory. For this thread and those that it starts, from here on.
 */
export function collectAsBatch(growingPercent: number): void {
  setFlagsFromString('--no-incremental-marking');
  setFlagsFromString(`--heap-growing-percent=${growingPercent}`);
}
