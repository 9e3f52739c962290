/** Holds once more. */
import { refused, walletName } from './reference-words.ts';
import { beyondLimits, note, takeBack } from './reference-limits.ts';
import {
  TREASURY,
  barred,
  done,
  freeIn,
  missing,
  overdraftOf,
  pay,
  post,
  walletIn,
} from './reference-pay.ts';
import { keepInPots, letGoOfPots } from './reference-pots.ts';
import type { Command, Hold, Ledger, Outcome } from './reference-terms.ts';

type CommandOf<Kind extends Command['kind']> = Extract<Command, { kind: Kind }>;

const DAY_MS = 86_400_000;

export function placeHold(ledger: Ledger, { user, asset, amount, expires }: CommandOf<'hold'>): Outcome {
  const reserved = [{ from: user, to: user, asset, amount }];
  const refusal = missing(ledger, reserved) ?? barred(ledger, reserved);
  if (refusal !== null) return refusal;
  const wallet = walletIn(ledger, user, asset);
  const available = freeIn(ledger, user, asset);
  if (available - amount < -overdraftOf(ledger, user, asset))
    return refused(422, 'insufficient_funds', { available, required: amount });
  const beyond = beyondLimits(ledger, reserved);
  if (beyond !== null) return beyond;
  ledger.wallets.set(walletName(user, asset), { ...wallet, held: wallet.held + amount });
  const kept = keepInPots(ledger, { owner: user, asset, amount });
  const endsAt = expires ? ledger.now + DAY_MS : null;
  const hold: Hold = { user, asset, amount, captured: 0n, remaining: amount, status: 'open', kept, endsAt };
  const number = ledger.holds.push(hold) - 1;
  note(ledger, reserved, number);
  return done({ hold: { ...hold, number } });
}

export function capture(ledger: Ledger, command: CommandOf<'capture'>): Outcome {
  const hold = ledger.holds[command.hold];
  if (hold === undefined) return refused(404, 'hold_not_found');
  const { user, asset, remaining } = hold;
  const to = command.to ?? TREASURY;
  if (to === user) return refused(400, 'validation_failed');
  const amount = command.amount ?? remaining;
  const postings = [{ from: user, to, asset, amount }];
  const unknown = missing(ledger, postings);
  if (unknown !== null) return unknown;
  if (isClosed(ledger, hold)) return refused(422, 'hold_closed');
  if (amount > remaining) return refused(422, 'hold_exceeded');
  // What was held is there: a capture lowers balance and held alike.
  const lines = pay(ledger, postings, { fromHold: hold });
  const outcome = post(ledger, { type: 'capture', user, asset, postings }, lines);
  if (outcome.kind === 'refused') return outcome;
  const closed = command.final !== false || amount === remaining;
  letGo(ledger, hold, closed ? remaining : amount);
  if (closed) takeBack(ledger, command.hold, remaining - amount);
  hold.captured += amount;
  if (closed) {
    hold.status = 'captured';
    letGoOfPots(ledger, hold, { amount: remaining, paid: false });
  }
  return { ...outcome, hold: { ...hold, number: command.hold } };
}

export function release(ledger: Ledger, command: CommandOf<'release'>): Outcome {
  const hold = ledger.holds[command.hold];
  if (hold === undefined) return refused(404, 'hold_not_found');
  if (isClosed(ledger, hold)) return refused(422, 'hold_closed');
  giveUp(ledger, command.hold, 'released');
  return done({ hold: { ...hold, number: command.hold } });
}

/** By the time, whether or not anybody has noticed. */
function isClosed(ledger: Ledger, { status, endsAt }: Hold): boolean {
  return status !== 'open' || (endsAt !== null && endsAt <= ledger.now);
}

/** What the service does by itself when the time of a hold has come. False where it has not, or it was closed. */
export function expireHold(ledger: Ledger, number: number): boolean {
  const hold = ledger.holds[number];
  if (hold?.status !== 'open' || !isClosed(ledger, hold)) return false;
  giveUp(ledger, number, 'expired');
  return true;
}

function giveUp(ledger: Ledger, number: number, status: 'released' | 'expired'): void {
  const hold = ledger.holds[number]!;
  takeBack(ledger, number, hold.remaining);
  letGo(ledger, hold, hold.remaining);
  letGoOfPots(ledger, hold, { amount: hold.amount, paid: false });
  hold.status = status;
}

function letGo(ledger: Ledger, hold: Hold, amount: bigint): void {
  const wallet = walletIn(ledger, hold.user, hold.asset);
  ledger.wallets.set(walletName(hold.user, hold.asset), { ...wallet, held: wallet.held - amount });
  hold.remaining -= amount;
}
