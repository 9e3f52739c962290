/** Problems of the service, which pass: the same request may be answered later. */
import type { OperationalCode } from '../errors.ts';
import type { ProblemRow } from './problems.ts';

const RETRY = 'Retry after the number of seconds in Retry-After, a command with the same Idempotency-Key.';

export const operationalProblems: { readonly [Code in OperationalCode]: ProblemRow } = {
  rate_limited: {
    status: 429,
    title: 'Too many requests',
    advice: `More than COFFER_RATE_LIMIT requests in a minute came with this key, or from this address. Nothing was done. ${RETRY}`,
  },
  overloaded: { status: 503, title: 'Too busy', advice: `Nothing was done. ${RETRY}` },
  shutting_down: { status: 503, title: 'Shutting down', advice: `Nothing was done. ${RETRY}` },
  database_unavailable: { status: 503, title: 'Database unavailable', advice: `Nothing was done. ${RETRY}` },
  outcome_unknown: {
    status: 503,
    title: 'Outcome unknown',
    advice:
      'The connection to the database broke while the command was committed. Retry with the same Idempotency-Key: it answers what happened and never acts twice.',
  },
  read_model_behind: {
    status: 503,
    title: 'Read model behind',
    advice: `The read model has not reached the position in atLeast in time. ${RETRY} consistency=strong never waits.`,
  },
  not_sealed_yet: {
    status: 503,
    title: 'Not sealed yet',
    advice: `Events are sealed within seconds of being written, and proofs are of sealed events. ${RETRY} If it stays so, no worker seals: its log says why.`,
  },
};
