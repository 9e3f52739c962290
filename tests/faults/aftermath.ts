/** What has to hold once a fault has passed, whatever it was. */
import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { runCoffer, type Coffer, type Environment } from '../support/coffer-process.ts';
import { assertLedgerIsSound } from '../support/ledger-facts.ts';
import { until } from '../support/until.ts';

const CAUGHT_UP_LIMIT_MS = 60_000;

/** What processes on a database are started with. Each database has an audit key of its own. */
export function environmentOf(databaseUrl: string): Environment {
  const { port, pathname } = new URL(databaseUrl);
  const keys = process.env['COFFER_TEST_KEYS'] ?? tmpdir();
  const key = join(keys, `${port}-${pathname.slice(1)}.pem`);
  return { DATABASE_URL: databaseUrl, COFFER_SEED: 'none', COFFER_AUDIT_KEY_FILE: key };
}

/** The read models catch up, the tables are sound, and `coffer audit verify` finds nothing. */
export async function assertAllIsWell(coffer: Coffer, observer: pg.Client, env: Environment): Promise<void> {
  await untilCaughtUp(coffer);
  await assertLedgerIsSound(observer);
  const { code, output } = await runCoffer(['audit', 'verify'], env);
  assert.equal(code, 0, output);
}

type Status = { name: string; state: string; lagEvents: string };

export async function untilCaughtUp(coffer: Coffer): Promise<void> {
  await until(
    'every projection has caught up',
    async () => {
      const { body } = await coffer.get('/projections');
      return (body.data as Status[]).every(({ state, lagEvents }) => state === 'live' && lagEvents === '0');
    },
    CAUGHT_UP_LIMIT_MS,
  );
}
