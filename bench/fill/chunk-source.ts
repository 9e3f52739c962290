// Chunks of a history, made by a thread of its own while others are written.

import { Worker } from 'node:worker_threads';
import type { MadeChunk } from './chunks.ts';
import type { HistoryOptions } from './history.ts';

export type ChunkOrder = { readonly ledgerId: number; readonly history: HistoryOptions };

/** Some 10 MB each. */
export const CHUNKS_AHEAD = 3;
const YOUNG_GENERATION_MB = 64;

/** Ends the thread however it ends. Throws what the thread throws. */
export async function* chunksOf(order: ChunkOrder): AsyncGenerator<MadeChunk> {
  const thread = new Worker(new URL('./chunk-thread.ts', import.meta.url), {
    workerData: order,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
  });
  const arrived: (MadeChunk | null)[] = [];
  let failed: Error | undefined;
  let wake = (): void => undefined;
  thread.on('message', (made: MadeChunk | null) => {
    arrived.push(made);
    wake();
  });
  thread.on('error', (error: unknown) => {
    failed = error as Error;
    wake();
  });
  thread.on('exit', (code) => {
    failed ??= new Error(`the thread that makes the history ended with ${code}`);
    wake();
  });
  try {
    for (;;) {
      const made = arrived.shift();
      if (made === null) return;
      if (made !== undefined) {
        thread.postMessage('more');
        yield made;
      } else if (failed === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      } else throw failed;
    }
  } finally {
    await thread.terminate();
  }
}
