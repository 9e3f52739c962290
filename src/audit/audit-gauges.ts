import type { Pool } from 'pg';
import { figuresOf } from '../figures.ts';
import type { LedgerMetrics } from '../metrics.ts';
import { readSealedState } from './sealed/checkpoint-log.ts';
import { readDrift } from './drift/drift-log.ts';

/** Read from the database, so that an API process shows them too: above all when no worker works. NaN while nobody answers. */
export function addAuditGauges(metrics: LedgerMetrics, pool: Pool, ledgerId: number): void {
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
