/** Another time for the service: what it decides is never before what is recorded already, and so is what is due. */
import type pg from 'pg';

/** Moves it on by so many seconds, and stops it there. Resolves to the time that it is then. */
export async function moveClock(client: pg.Client | pg.Pool, seconds: number): Promise<string> {
  // A process that remembers the head from its last batch asks anew when the policy has moved.
  const { rows } = await client.query<{ now: string }>(
    `update ledgers
        set head_recorded_at = greatest(head_recorded_at, clock_timestamp()) + $1 * interval '1 second',
            policy_version = policy_version + 1
      where id = 1
     returning to_char(head_recorded_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as now`,
    [seconds],
  );
  return rows[0]!.now;
}
