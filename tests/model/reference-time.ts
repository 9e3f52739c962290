/** What comes with time, once more: bonuses end, holds run out, and what was asked for later is done. */
import { expireHold } from './reference-holds.ts';
import { perform } from './reference-ledger.ts';
import { TREASURY, pay, post } from './reference-pay.ts';
import { refused } from './reference-words.ts';
import type { Command, Done, Ledger, Outcome } from './reference-terms.ts';

/** Whoever it was given to is taken it from, barred or not. Null where that is not due, or a balance would be too large. */
export function expirePot(ledger: Ledger, bonus: number): Done | null {
  const pot = ledger.pots.find((candidate) => candidate.bonus === bonus);
  if (pot === undefined || pot.endsAt > ledger.now || pot.left === pot.kept) return null;
  const { owner: user, asset } = pot;
  const postings = [{ from: user, to: TREASURY, asset, amount: pot.left - pot.kept }];
  const lines = pay(ledger, postings, { force: true, takesBack: true, first: bonus });
  const outcome = post(ledger, { type: 'expiry', user, asset, postings }, lines);
  return outcome.kind === 'done' ? outcome : null;
}

/** Resolves to its place in the list; or to why it cannot even wait. */
export function askLater(ledger: Ledger, command: Command, seconds: number): number | Outcome {
  const tried = perform(structuredClone(ledger), command);
  if (tried.kind === 'refused' && tried.status !== 422) return tried;
  return ledger.schedules.push({ command, at: ledger.now + seconds * 1_000, status: 'scheduled' }) - 1;
}

export function cancel(ledger: Ledger, number: number): 'cancelled' | ReturnType<typeof refused> {
  const schedule = ledger.schedules[number];
  if (schedule === undefined) return refused(404, 'schedule_not_found');
  if (schedule.status === 'scheduled') {
    schedule.status = 'cancelled';
    return 'cancelled';
  }
  const nothing = { user: null, asset: null, postings: [], lines: [], reversed: 0n, reversals: 0 };
  const transaction = ledger.transactions.push({ type: 'schedule.cancel', declined: true, ...nothing }) - 1;
  return { ...refused(422, 'schedule_closed'), transaction };
}

/** Null where its time has not come, or it is not waiting. */
export function run(ledger: Ledger, number: number): Outcome | null {
  const schedule = ledger.schedules[number];
  if (schedule?.status !== 'scheduled' || schedule.at > ledger.now) return null;
  const outcome = perform(ledger, schedule.command);
  schedule.status = outcome.kind === 'done' ? 'executed' : 'failed';
  return outcome;
}

export type Due = { readonly kind: 'hold' | 'pot' | 'schedule'; readonly number: number };

export function dueIn(ledger: Ledger): Due[] {
  const { now, holds, pots, schedules } = ledger;
  return [
    ...holds.flatMap(({ status, endsAt }, number): Due[] =>
      status === 'open' && endsAt !== null && endsAt <= now ? [{ kind: 'hold', number }] : [],
    ),
    ...pots.flatMap(({ bonus, left, kept, endsAt }): Due[] =>
      endsAt <= now && left > kept ? [{ kind: 'pot', number: bonus }] : [],
    ),
    ...schedules.flatMap(({ status, at }, number): Due[] =>
      status === 'scheduled' && at <= now ? [{ kind: 'schedule', number }] : [],
    ),
  ];
}

/** What became of it; null where there is nothing to do. */
export function end(ledger: Ledger, { kind, number }: Due): string | null {
  switch (kind) {
    case 'hold':
      return expireHold(ledger, number) ? 'a hold ran out' : null;
    case 'pot':
      return expirePot(ledger, number) === null ? null : 'a bonus ended';
    case 'schedule': {
      const outcome = run(ledger, number);
      if (outcome === null) return null;
      return outcome.kind === 'done' ? 'done later' : 'failed later';
    }
  }
}
