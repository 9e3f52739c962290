/** Examples of what the service says of itself. */
import { at } from './examples.ts';

export const rebuild = {
  ...{ id: 'wallet_balances-2', name: 'wallet_balances', generation: 2, state: 'filling' },
  ...{ eventsDone: '500000', eventsTotal: '1000000', eventsPerSecond: '100000', secondsLeft: 5 },
  ...{ startedAt: at, finishedAt: null, error: null, differences: '0' },
};

export const operations = {
  queue: { depth: 0, capacity: 10_000, shuttingDown: false },
  batches: { perSecond: 12.5, commandsPerSecond: 80.2, meanCommands: 6.42, p50Ms: 4, p99Ms: 16 },
  outcomes: [
    { command: 'spend', outcome: 'insufficient_funds', count: 3 },
    { command: 'topup', outcome: 'accepted', count: 12 },
  ],
  refusals: [{ code: 'insufficient_funds', count: 3 }],
  jobs: [{ queue: 'catch-up', queued: 0, active: 1, failed: 0, deadLetters: 0 }],
  process: { startedAt: at, uptimeSeconds: 3600, memoryBytes: 120_000_000, eventLoopLagMs: 0.12 },
};
