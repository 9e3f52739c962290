/** What random histories of a small ledger come to, event by event. */
import { decide } from '../../src/commands/decide.ts';
import type { Decision } from '../../src/commands/decision.ts';
import { referencesOf } from '../../src/commands/references.ts';
import type { SchedulableCommand } from '../../src/commands/schedule-schemas.ts';
import type { Command } from '../../src/commands/schemas.ts';
import { ownerKey, type NewEvent, type Owner } from '../../src/events/catalog.ts';
import { evolveWithEntries, type Entry } from '../../src/events/evolve.ts';
import { emptyState, walletKey, type LedgerState } from '../../src/events/state.ts';
import { NOON, uuid, type Happening } from '../events/facts.ts';
import { contextFrom } from '../support/decision.ts';
import { ASSETS, USERS, type Action, type Step } from './random-steps.ts';

const MISSING = uuid('d', 99);

/** What there is to name. */
export type Found = {
  readonly walletId: (owner: Owner, asset: string) => string | undefined;
  readonly holds: readonly string[];
  readonly lots: readonly string[];
  readonly transactions: readonly string[];
  readonly schedules: readonly string[];
  readonly now: string;
};

/** The users and assets that every history begins with. */
export const beginning: readonly Command[] = [
  ...USERS.map(({ id, email }): Command => ({ kind: 'user.register', id, email })),
  { kind: 'asset.create', slug: 'gold', name: 'Gold coins', scale: 2 },
  { kind: 'asset.create', slug: 'ore', supplyCap: '1000' },
  { kind: 'asset.create', slug: 'none', supplyCap: '0' },
];

export function commandOf(step: Action, found: Found): Command {
  switch (step.kind) {
    case 'wallet.status.of': {
      const walletId = found.walletId(step.owner, step.asset) ?? MISSING;
      return { kind: 'wallet.status', walletId, status: step.status };
    }
    case 'overdraft.of': {
      const walletId = found.walletId(step.owner, step.asset) ?? MISSING;
      return { kind: 'wallet.overdraft', walletId, limit: step.limit };
    }
    case 'limits.of': {
      const { kind: _kind, owner: of, asset: slug, ...body } = step;
      return { kind: 'wallet.limits', walletId: found.walletId(of, slug) ?? MISSING, ...body };
    }
    case 'capture.of': {
      const { kind: _kind, nth: which, ...body } = step;
      return { kind: 'capture', holdId: pick(found.holds, which), ...body };
    }
    case 'release.of':
      return { kind: 'release', holdId: pick(found.holds, step.nth) };
    case 'expire.of':
      return { kind: 'hold.expire', holdId: pick(found.holds, step.nth) };
    case 'lot.expire.of':
      return { kind: 'lot.expire', lotId: pick(found.lots, step.nth) };
    case 'bonus.for': {
      const { minutes, ...bonus } = step;
      const expiresAt = new Date(Date.parse(found.now) + minutes * 60_000).toISOString();
      return { ...bonus, kind: 'bonus', expiresAt };
    }
    case 'reversal.of': {
      const { kind: _kind, nth: which, ...body } = step;
      return { kind: 'reversal', transactionId: pick(found.transactions, which), ...body };
    }
    case 'later': {
      const executeAt = new Date(Date.parse(found.now) + step.minutes * 60_000).toISOString();
      const command = commandOf(step.step, found) as SchedulableCommand;
      return { kind: 'schedule.create', executeAt, command };
    }
    case 'run.of':
      return { kind: 'schedule.run', scheduleId: pick(found.schedules, step.nth), postings: 1 };
    case 'cancel.of':
      return { kind: 'schedule.cancel', scheduleId: pick(found.schedules, step.nth) };
    default:
      return step;
  }
}

function pick(ids: readonly string[], index: number): string {
  return ids[index % Math.max(1, ids.length)] ?? MISSING;
}

/** `firstId` makes a context that draws the same ids again. */
export type Made = {
  readonly state: LedgerState;
  readonly command: Command;
  readonly decision: Decision;
  readonly firstId: number;
  readonly occurredAt: string;
};

export type Happened = {
  readonly event: Happening;
  readonly entries: readonly Entry[];
  readonly state: LedgerState;
};

const MINUTE_MS = 60_000;

/** A quarter of an hour goes by after every fourth step, and what was waited. */
function timeOf(step: number, waitedMinutes: number): string {
  const minutes = Math.floor(step / 4) * 15 + waitedMinutes;
  return new Date(Date.parse(NOON) + minutes * MINUTE_MS).toISOString();
}

/** What a history comes to, one event after the other; the state is the same object all along. */
export function* play(
  steps: readonly Step[],
  onDecision: (made: Made) => void = () => undefined,
): Generator<Happened> {
  const state = emptyState();
  const transactions: NewEvent[] = [];
  let firstId = 1;
  let waitedMinutes = 0;
  for (const [index, step] of [...beginning, ...steps].entries()) {
    if (step.kind === 'wait') {
      waitedMinutes += step.minutes;
      continue;
    }
    const occurredAt = timeOf(index, waitedMinutes);
    const command = commandOf(step, {
      walletId: (of, slug) => state.walletIds.get(walletKey(of, slug)),
      holds: [...state.holds.keys()],
      lots: [...state.lots.values()].flatMap((lots) => lots.map(({ lotId }) => lotId)),
      now: occurredAt,
      transactions: transactions.map(({ id }) => id),
      schedules: [...state.schedules.keys()],
    });
    const named = referencesOf(command);
    const original = transactions.find(({ id }) => id === named);
    if (original !== undefined) knowOriginal(state, original);
    const context = contextFrom(firstId, occurredAt);
    const decision = decide(state, command, context);
    onDecision({ state, command, decision, firstId, occurredAt });
    firstId += context.idsDrawn();
    if (decision.kind !== 'events') continue;
    for (const decided of decision.events) {
      const event = { ...decided, occurredAt: context.occurredAt };
      if (/^(?:transaction|hold.captured)/.test(decided.type)) transactions.push(decided);
      yield { event, entries: evolveWithEntries(state, event), state };
    }
  }
}

/** As the write side reads it before it decides, with nothing taken back yet unless the state knows better. */
function knowOriginal(state: LedgerState, event: NewEvent): void {
  if (state.originals.has(event.id) || !('type' in event.data)) return;
  const { type, asset: slug, userId } = event.data;
  const moved = 'postings' in event.data ? event.data.postings : [];
  state.originals.set(event.id, {
    ...{ transactionId: event.id, type, asset: slug, userId, postings: moved },
    ...{ reversed: 0n, wholly: false },
    lotId: 'lot' in event.data ? (event.data.lot?.lotId ?? null) : null,
  });
}

/** Shows each decision of a history, with the state it was made from. */
export function eachDecision(steps: readonly Step[], look: (made: Made) => void): void {
  Array.from(play(steps, look));
}

/** Balances added up by asset slug; `wallets` chooses which. */
export function sumByAsset(state: LedgerState, wallets: (owner: string) => boolean): Map<string, bigint> {
  const sums = new Map<string, bigint>(ASSETS.map((slug) => [slug, 0n]));
  for (const wallet of state.wallets.values()) {
    if (!wallets(ownerKey(wallet.owner))) continue;
    sums.set(wallet.asset, (sums.get(wallet.asset) ?? 0n) + wallet.balance);
  }
  return sums;
}
