/** Folds segments of an export in a thread. */
import { replaySegments } from './replay-segment.ts';
import { serveTasks } from '../threads/serve-tasks.ts';

serveTasks(replaySegments, async () => undefined);
