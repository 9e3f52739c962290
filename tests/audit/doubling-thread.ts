/** A thread for task-runner.test.ts, beside what its test does itself. */
import { double } from './doubling.ts';
import { serveTasks } from '../../src/audit/threads/serve-tasks.ts';

serveTasks(double, async () => undefined);
