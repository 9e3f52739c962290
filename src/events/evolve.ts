/**
 * What an event means for the state. Pure in the sense that matters: no clock, no chance, no I/O, the same
 * events always give the same state, however the fold is cut. It validates nothing, since a fact cannot
 * be refused any more. The state handed in is updated in place and returned.
 */
import type { EventData, Fact, NewEvent, Posting } from './catalog.ts';
import { countHold, countSpends, withOverdraft, withSpendLimits } from './count-spends.ts';
import { changed, lotChangesOf, nextDueAt, openedLot, withLot } from './lots.ts';
import { parsedLimits } from './spend-limits.ts';
import {
  floorAfter,
  openedWallet,
  walletKey,
  type LedgerState,
  type ScheduleStatus,
  type WalletState,
} from './state.ts';

/** One line of the ledger: what a posting did to one wallet. `amount` is signed, in minor units. */
export type Entry = {
  readonly leg: number;
  readonly walletId: string;
  readonly assetId: string;
  readonly seq: bigint;
  readonly amount: bigint;
  readonly balanceAfter: bigint;
  readonly heldAfter: bigint;
};

type Evolvable = Fact & { readonly personal?: NewEvent['personal']; readonly occurredAt: string };

export function evolve(state: LedgerState, event: Evolvable): LedgerState {
  switch (event.type) {
    case 'user.registered': {
      const { userId } = event.data;
      state.users.set(userId, { id: userId, status: 'ACTIVE', createdAt: event.occurredAt });
      for (const { field, value } of event.personal ?? [])
        if (field === 'email') state.emails.set(value, userId);
      return state;
    }
    case 'user.status_changed': {
      const { userId, status, createdAt } = event.data;
      state.users.set(userId, { id: userId, status, createdAt });
      return state;
    }
    case 'user.erased': {
      const { userId, createdAt } = event.data;
      state.users.set(userId, { id: userId, status: 'ERASED', createdAt });
      for (const [email, takenBy] of state.emails) if (takenBy === userId) state.emails.delete(email);
      return state;
    }
    case 'asset.created': {
      const { assetId, slug, name, scale, supplyCap } = event.data;
      const cap = supplyCap === null ? null : BigInt(supplyCap);
      const asset = { id: assetId, slug, name, scale, supplyCap: cap, status: 'ACTIVE' as const };
      state.assets.set(slug, { ...asset, limits: null });
      return state;
    }
    case 'asset.status_changed': {
      const { assetId, slug, name, scale, supplyCap, status } = event.data;
      const cap = supplyCap === null ? null : BigInt(supplyCap);
      const limits = state.assets.get(slug)?.limits ?? null;
      state.assets.set(slug, { id: assetId, slug, name, scale, supplyCap: cap, status, limits });
      return state;
    }
    case 'asset.limits_changed': {
      const { assetId, slug, name, scale, supplyCap, status } = event.data;
      const cap = supplyCap === null ? null : BigInt(supplyCap);
      const limits = parsedLimits(event.data.limits);
      state.assets.set(slug, { id: assetId, slug, name, scale, supplyCap: cap, status, limits });
      return state;
    }
    case 'wallet.opened': {
      const wallet = openedWallet(event.data);
      state.walletIds.set(walletKey(wallet.owner, wallet.asset), wallet.id);
      state.wallets.set(wallet.id, wallet);
      return state;
    }
    case 'wallet.status_changed': {
      const { walletId, status } = event.data;
      state.wallets.set(walletId, { ...knownWallet(state, walletId), status });
      return state;
    }
    case 'wallet.overdraft_changed': {
      const { walletId, overdraft } = event.data;
      state.wallets.set(walletId, withOverdraft(knownWallet(state, walletId), overdraft));
      return state;
    }
    case 'wallet.limits_changed': {
      const { walletId, limits } = event.data;
      state.wallets.set(walletId, withSpendLimits(knownWallet(state, walletId), limits));
      return state;
    }
    case 'transaction.posted':
    case 'hold.placed':
    case 'hold.captured':
    case 'hold.released':
    case 'hold.expired':
      evolveWithEntries(state, event);
      return state;
    case 'scheduled.created': {
      const { schedule } = event.data;
      const personal = new Map((event.personal ?? []).map(({ field, value }) => [field, value]));
      state.schedules.set(schedule.scheduleId, { schedule, status: 'scheduled', personal });
      return state;
    }
    case 'scheduled.executed':
      return endSchedule(state, event.data.schedule.scheduleId, statusAfter(event.data.outcome));
    case 'scheduled.cancelled':
      return endSchedule(state, event.data.schedule.scheduleId, 'cancelled');
    case 'transaction.rejected':
      return state;
  }
}

/** The ledger lines of an event, and the state after it: the one way entries come into being. */
export function evolveWithEntries(state: LedgerState, event: Evolvable): Entry[] {
  const entries = moveMoney(state, event);
  moveLots(state, event);
  return entries;
}

function moveMoney(state: LedgerState, event: Evolvable): Entry[] {
  switch (event.type) {
    case 'transaction.posted': {
      noteReturn(state, event.data);
      const entries: Entry[] = [];
      for (const posting of event.data.postings) applyPosting(state, posting, entries);
      countSpends(state, event.data, event.occurredAt);
      return entries;
    }
    case 'hold.captured': {
      const [{ amount, from, to }] = event.data.postings as [Posting];
      const heldAfter = BigInt(event.data.heldAfter);
      state.holds.set(event.data.hold.holdId, event.data.hold);
      countHold(state, event.type, event.data.hold);
      return [
        applyLeg(state, { walletId: from.walletId, amount: -BigInt(amount), leg: 0, heldAfter }),
        applyLeg(state, { walletId: to.walletId, amount: BigInt(amount), leg: 1 }),
      ];
    }
    case 'hold.placed':
    case 'hold.released':
    case 'hold.expired': {
      const { hold, heldAfter } = event.data;
      state.holds.set(hold.holdId, hold);
      countHold(state, event.type, hold);
      return [applyLeg(state, { walletId: hold.walletId, amount: 0n, leg: 0, heldAfter: BigInt(heldAfter) })];
    }
    case 'user.registered':
    case 'user.status_changed':
    case 'user.erased':
    case 'asset.created':
    case 'asset.status_changed':
    case 'asset.limits_changed':
    case 'wallet.opened':
    case 'wallet.status_changed':
    case 'wallet.overdraft_changed':
    case 'wallet.limits_changed':
    case 'transaction.rejected':
    case 'scheduled.created':
    case 'scheduled.executed':
    case 'scheduled.cancelled':
      evolve(state, event);
      return [];
  }
}

export function statusAfter(outcome: EventData<'scheduled.executed'>['outcome']): ScheduleStatus {
  return outcome === 'posted' ? 'executed' : 'failed';
}

/** Only of a schedule that the state was asked to know. */
function endSchedule(state: LedgerState, scheduleId: string, status: ScheduleStatus): LedgerState {
  const known = state.schedules.get(scheduleId);
  if (known !== undefined) state.schedules.set(scheduleId, { ...known, status });
  return state;
}

/** Of lots that the state knows: an auditor's fold of a part of the log has not seen them all. */
function moveLots(state: LedgerState, event: Fact): void {
  const opened = openedLot(event);
  if (opened !== null)
    state.lots.set(opened.walletId, withLot(state.lots.get(opened.walletId) ?? [], opened));
  for (const change of lotChangesOf(event)) {
    const lots = changed(state.lots.get(change.walletId) ?? [], change);
    state.lots.set(change.walletId, lots);
    const wallet = knownWallet(state, change.walletId);
    state.wallets.set(wallet.id, { ...wallet, nextDueAt: nextDueAt(lots) });
  }
}

/** What is taken back of a transaction, or has expired of a bonus. Only of an original that the state was asked to know. */
function noteReturn(state: LedgerState, data: EventData<'transaction.posted'>): void {
  const original = state.originals.get(data.reverses ?? data.expires ?? '');
  if (original === undefined) return;
  const [posting] = data.postings;
  const reversed = original.reversed + BigInt(posting?.amount ?? '0');
  state.originals.set(original.transactionId, {
    ...original,
    reversed,
    wholly: original.postings.length > 1,
  });
}

function applyPosting(state: LedgerState, { amount: text, from, to }: Posting, entries: Entry[]): void {
  const amount = BigInt(text);
  entries.push(applyLeg(state, { walletId: from.walletId, amount: -amount, leg: entries.length }));
  entries.push(applyLeg(state, { walletId: to.walletId, amount, leg: entries.length }));
}

type Leg = {
  readonly walletId: string;
  readonly amount: bigint;
  readonly leg: number;
  readonly heldAfter?: bigint;
};

function applyLeg(state: LedgerState, { walletId, amount, leg, heldAfter }: Leg): Entry {
  const before = knownWallet(state, walletId);
  const balance = before.balance + amount;
  const held = heldAfter ?? before.held;
  const floor = floorAfter(before, balance - held);
  const after = { ...before, balance, held, floor, seq: before.seq + 1n };
  state.wallets.set(walletId, after);
  return {
    leg,
    walletId,
    assetId: after.assetId,
    seq: after.seq,
    amount,
    balanceAfter: after.balance,
    heldAfter: after.held,
  };
}

function knownWallet(state: LedgerState, walletId: string): WalletState {
  const wallet = state.wallets.get(walletId);
  if (wallet === undefined) throw new Error(`event names wallet ${walletId}, which was never opened`);
  return wallet;
}
