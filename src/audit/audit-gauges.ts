import type { Pool } from 'pg';
import type { Metrics } from '../metrics.ts';
import { endsWithin } from '../time-limit.ts';
import { readSealedState } from './sealed/checkpoint-log.ts';
import { readDrift } from './drift/drift-log.ts';

/** Metrics have to be there when the database is not. */
const WAIT_MS = 250;

/** Read from the database, so that an API process shows them too: above all when no worker works. NaN while nobody answers. */
export function addAuditGauges(metrics: Metrics, pool: Pool, ledgerId: number): void {
  const sealing = figuresOf(() => readSealedState(pool, ledgerId));
  const drift = figuresOf(() => readDrift(pool, ledgerId));

  metrics.gauge('coffer_sealed_position', 'Events under the last signed checkpoint.', () =>
    sealing(({ sealed }) => sealed),
  );
  metrics.gauge('coffer_unsealed_events', 'Events that no signed checkpoint covers yet.', () =>
    sealing(({ head, sealed }) => head - sealed),
  );
  metrics.gauge('coffer_verified_position', 'Events that the drift sentinel has derived again.', () =>
    drift(({ verified }) => verified),
  );
  metrics.gauge(
    'coffer_drift_findings',
    'Differences that the drift sentinel found, and has not found mended.',
    () => drift(({ count }) => count),
  );
}

/** One question at a time: a silent database must not take connection after connection. */
function figuresOf<State>(read: () => Promise<State>): (of: (state: State) => bigint) => Promise<number> {
  let reading: Promise<void> | null = null;
  let state: State | null = null;

  return async (of) => {
    reading ??= read()
      .catch(() => null)
      .then((found) => {
        state = found;
        reading = null;
      });
    const answered = await endsWithin(reading, WAIT_MS);
    return answered && state !== null ? Number(of(state)) : Number.NaN;
  };
}
