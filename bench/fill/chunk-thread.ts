// The thread that decides: it makes chunks, some ahead of those that are written, and hands them over without copying.

import { once } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';
import { makeChunks } from './chunks.ts';
import { CHUNKS_AHEAD, type ChunkOrder } from './chunk-source.ts';

if (parentPort === null) throw new Error('this is a thread, not a program');
const port = parentPort;
const { ledgerId, history } = workerData as ChunkOrder;

let wanted = CHUNKS_AHEAD;
port.on('message', () => (wanted += 1));

for (const made of makeChunks(ledgerId, history)) {
  while (wanted === 0) await once(port, 'message');
  wanted -= 1;
  port.postMessage(
    made,
    Object.values(made.chunk).map(({ buffer }) => buffer),
  );
  // The listener above has to be heard between two chunks that are made at a stretch.
  await new Promise(setImmediate);
}
port.postMessage(null);
port.close();
