/** Examples of what is done later. */
import { transactionId, userId, written } from './examples.ts';

const scheduleId = '01998a6e-7c00-7000-8000-00000000000d';

/** A command as it waits; `body` is what was sent. */
export function scheduledOf(type: string, body: unknown) {
  return { ...scheduleOf(type, body), ...written };
}

function scheduleOf(type: string, command: unknown) {
  return {
    ...{ scheduleId, status: 'scheduled', type, executeAt: '2026-01-02T00:00:00.000Z', userId },
    ...{ command, result: null, reason: null },
  };
}

export const schedule = {
  ...scheduleOf('spend', { userId, assetSlug: 'gold_coins', amount: '100' }),
  status: 'executed',
  result: { ...{ outcome: 'posted', transactionId, holdId: null, code: null, detail: null }, ...written },
};

export const cancelledSchedule = {
  ...scheduleOf('spend', { userId, assetSlug: 'gold_coins', amount: '100' }),
  ...{ status: 'cancelled', reason: 'no longer wanted', ...written },
};
