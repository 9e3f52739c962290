/** Verifies ranges of the log in a thread, on a connection of its own. */
import { workerData } from 'node:worker_threads';
import { readFact } from '../fold/event-validators.ts';
import { createAuditPool } from '../rows/audit-pool.ts';
import { serveTasks } from '../threads/serve-tasks.ts';
import { verifyRangeOn, type RangeTask } from './verify-range.ts';

const { url } = workerData as { url: string };
const pool = createAuditPool(url, 1);

serveTasks(
  (task: RangeTask, onProgress) => verifyRangeOn(pool, task, onProgress, readFact),
  () => pool.end(),
);
