// Chunks of a history, made by a thread of its own while others are written.

import { once } from 'node:events';
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
  thread.on('message', (made: MadeChunk | null) => arrived.push(made));
  thread.on('error', (error: unknown) => (failed = error as Error));
  try {
    for (;;) {
      while (arrived.length === 0) {
        if (failed !== undefined) throw failed;
        // Rejects with what the thread throws.
        await once(thread, 'message');
      }
      const made = arrived.shift();
      if (made === null || made === undefined) return;
      yield made;
      thread.postMessage('more');
    }
  } finally {
    await thread.terminate();
  }
}
