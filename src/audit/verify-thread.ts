/** Verifies ranges of the log in a thread, on a connection of its own. */
import { workerData } from 'node:worker_threads';
import { createAuditPool } from './audit-pool.ts';
import { serveTasks } from './serve-tasks.ts';
import { verifyRange, type RangeTask } from './verify-range.ts';

const { url } = workerData as { url: string };
const pool = createAuditPool(url, 1);

serveTasks(
  async (task: RangeTask, onProgress) => {
    const client = await pool.connect();
    try {
      return await verifyRange(client, task, onProgress);
    } finally {
      client.release();
    }
  },
  () => pool.end(),
);
