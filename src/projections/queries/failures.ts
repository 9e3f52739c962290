/** Why a query failed: a database that is away passes, anything else is a bug. */
import { classifyFailure } from '../../db/failures.ts';

export function isDatabaseAway(error: unknown): boolean {
  return classifyFailure(error) === 'unavailable';
}
