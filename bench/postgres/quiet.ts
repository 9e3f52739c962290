// A closed loop that hangs up leaves its last requests in the server's queue: 256 of them are most of a
// second's work for the baseline. What comes next must not be measured on top of them.

import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';

const CHECK_EVERY_MS = 25;
const QUIET_CHECKS = 4;
const TIMEOUT_MS = 20_000;

/** Waits until nothing runs in the database for several looks in a row. */
export async function waitUntilQuiet(databaseUrl: string): Promise<void> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const deadline = performance.now() + TIMEOUT_MS;
    for (let quiet = 0; quiet < QUIET_CHECKS;) {
      if (performance.now() > deadline) throw new Error(`still busy after ${TIMEOUT_MS} ms`);
      await sleep(CHECK_EVERY_MS);
      const { rows } = await client.query<{ busy: boolean }>(`
        select count(*) > 0 as busy
        from pg_stat_activity
        where datname = current_database()
          and backend_type = 'client backend'
          and pid <> pg_backend_pid()
          and state <> 'idle'`);
      quiet = rows[0]?.busy ? 0 : quiet + 1;
    }
  } finally {
    await client.end();
  }
}
