import type { Pool } from 'pg';
import { figuresOf } from '../figures.ts';
import type { LedgerMetrics } from '../metrics.ts';
import { countFailed } from './queries/projection-status.ts';

/** Read from the database, so that an API process shows it too. NaN while nobody answers. */
export function addProjectionGauges(metrics: LedgerMetrics, pool: Pool, ledgerId: number): void {
  const failed = figuresOf(() => countFailed(pool, ledgerId));
  metrics.gauge(
    'coffer_projections_failed',
    'Read models that stand still at an event they cannot apply.',
    () => failed((count) => count),
  );
}
