/** Everything that has to be in the database before the service: tables, queues, and who may do what. */
import type { Logger } from 'pino';
import { migrate } from '../db/migrate.ts';
import { bringRightsUpToDate } from '../db/rights.ts';
import { installJobs } from '../projections/jobs.ts';

/** `url`: of the owner. Resolves to the names of the migrations applied. */
export async function prepareDatabase(
  url: string,
  log: Logger,
  onApplied: (message: string) => void,
): Promise<string[]> {
  const applied = await migrate(url, onApplied);
  await installJobs(url, log);
  const rights = await bringRightsUpToDate(url);
  if (rights.kind === 'missing') {
    log.warn(
      { reason: rights.reason },
      'this user may not set up the roles of the database: see docs/security.md',
    );
  }
  return applied;
}
