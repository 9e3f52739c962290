/** Waiting in tests: for a condition, with a limit, never for a length of time. */
import type pg from 'pg';
import { createDeadline, waitFor } from '../../src/db/embedded/deadline.ts';

/** Never reached where all is well, however much else the machine does. */
const LIMIT_MS = 60_000;

/** Resolves to the first answer of `probe` that is not false or undefined. `what` completes "gave up: ...". */
export function until<Answer>(
  what: string,
  probe: () => Promise<Answer | false | undefined> | Answer | false | undefined,
  limitMs = LIMIT_MS,
): Promise<Answer> {
  return waitFor(createDeadline(limitMs), what, async () => {
    const answer = await probe();
    return answer === false ? undefined : answer;
  });
}

/** Waits until this many sessions of the service's write side wait for a lock; resolves to their pids. */
export function untilWritersWait(observer: pg.Client, count = 1): Promise<number[]> {
  return until(`${count} writers wait for a lock`, async () => {
    const { rows } = await observer.query<{ pid: number }>(`
select pid
  from pg_stat_activity
 where datname = current_database()
   and application_name like 'coffer write%'
   and wait_event_type = 'Lock'`);
    return rows.length >= count && rows.map(({ pid }) => pid);
  });
}
