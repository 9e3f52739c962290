/** Random histories of a small ledger: every command, over few users and assets so that they meet often. */
import fc from 'fast-check';
import { decide } from '../../src/commands/decide.ts';
import type { Decision } from '../../src/commands/decision.ts';
import { exchangeBody } from '../../src/commands/money-schemas.ts';
import { referencesOf } from '../../src/commands/references.ts';
import type { SchedulableCommand } from '../../src/commands/schedule-schemas.ts';
import type { Command } from '../../src/commands/schemas.ts';
import { ownerKey, type NewEvent, type Owner } from '../../src/events/catalog.ts';
import { evolveWithEntries, type Entry } from '../../src/events/evolve.ts';
import { emptyState, walletKey, type LedgerState } from '../../src/events/state.ts';
import { NOON, alice, bob, carol, uuid, type Happening } from '../events/facts.ts';
import { contextFrom } from '../support/decision.ts';

const USERS = [alice, bob, carol];
const NOBODY = uuid('a', 99);
const ASSETS = ['gold', 'ore', 'none'] as const;
const MISSING = uuid('d', 99);

type Limits = {
  readonly perTransaction?: string | null;
  readonly day?: string | null;
  readonly week?: string | null;
  readonly month?: string | null;
};

/** A command; a wallet is named by owner and asset, since its id is drawn only when it is opened. */
export type Step =
  | Command
  | {
      readonly kind: 'wallet.status.of';
      readonly owner: Owner;
      readonly asset: string;
      readonly status: 'ACTIVE' | 'FROZEN';
    }
  | { readonly kind: 'overdraft.of'; readonly owner: Owner; readonly asset: string; readonly limit: string }
  | ({ readonly kind: 'limits.of'; readonly owner: Owner; readonly asset: string } & Limits)
  /** Of the n-th hold or transaction there is, counted round. */
  | { readonly kind: 'capture.of'; readonly nth: number; readonly amount?: string; readonly final?: boolean }
  | { readonly kind: 'release.of' | 'expire.of' | 'lot.expire.of'; readonly nth: number }
  /** A bonus that ends so many minutes from now. */
  | {
      readonly kind: 'bonus.for';
      readonly userId: string;
      readonly assetSlug: string;
      readonly amount: string;
      readonly minutes: number;
    }
  /** Asked for so much later. */
  | { readonly kind: 'later'; readonly step: Step; readonly minutes: number }
  | { readonly kind: 'run.of' | 'cancel.of'; readonly nth: number }
  | {
      readonly kind: 'reversal.of';
      readonly nth: number;
      readonly amount?: string;
      readonly force?: boolean;
    };

/** What there is to name. */
export type Found = {
  readonly walletId: (owner: Owner, asset: string) => string | undefined;
  readonly holds: readonly string[];
  readonly lots: readonly string[];
  readonly transactions: readonly string[];
  readonly schedules: readonly string[];
  readonly now: string;
};

const user = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(...USERS.map(({ id }) => id)) },
  { weight: 1, arbitrary: fc.constant(NOBODY) },
);
const asset = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom('gold', 'gold', 'ore', 'none') },
  { weight: 1, arbitrary: fc.constant('tin') },
);
const amount = fc.oneof(
  { weight: 8, arbitrary: fc.bigInt(1n, 60n) },
  { weight: 3, arbitrary: fc.bigInt(1n, 1_500n) },
  { weight: 2, arbitrary: fc.bigInt(10n ** 37n, 10n ** 38n - 1n) },
);
/** More often good than bad, so that money still moves after a while. */
const frozen = fc.constantFrom<'ACTIVE' | 'FROZEN'>('ACTIVE', 'ACTIVE', 'FROZEN');
const reason = fc.option(fc.constantFrom('audit', 'grösste Vorsicht'), { nil: undefined });

const shared = fc
  .record({
    assetSlug: asset,
    amount: amount.map(String),
    reference: fc.option(fc.constantFrom('order-1', 'order-2'), { nil: null }),
    metadata: fc.option(
      fc.dictionary(fc.constantFrom('10', '9', 'b', 'a', 'é', '😀'), fc.string({ unit: 'grapheme' })),
      { nil: null },
    ),
    personal: fc.boolean(),
  })
  .map(({ personal, ...fields }) => {
    const [name] = Object.keys(fields.metadata ?? {});
    return personal && name !== undefined ? { ...fields, personalMetadata: [name] } : fields;
  });

const money = fc
  .tuple(fc.constantFrom('topup', 'topup', 'spend', 'bonus'), user, shared)
  .map(([kind, userId, fields]): Step => ({ kind, userId, ...fields }));

const transfer = fc
  .tuple(user, user, shared)
  .filter(([from, to]) => from !== to)
  .map(([fromUserId, toUserId, fields]): Step => ({ kind: 'transfer', fromUserId, toUserId, ...fields }));

const userStatus = fc
  .tuple(user, fc.constantFrom('ACTIVE', 'ACTIVE', 'BANNED'), reason)
  .map(([userId, status, why]): Step => ({
    kind: 'user.status',
    userId,
    status,
    ...(why && { reason: why }),
  }));

const erase = fc
  .tuple(user, reason)
  .map(([userId, why]): Step => ({ kind: 'user.erase', userId, ...(why && { reason: why }) }));

const assetStatus = fc
  .tuple(asset, frozen, reason)
  .map(([slug, status, why]): Step => ({ kind: 'asset.status', slug, status, ...(why && { reason: why }) }));

const owner: fc.Arbitrary<Owner> = fc.oneof(
  user.map((userId) => ({ userId })),
  fc.constant({ system: 'treasury' }),
);
const walletStatus = fc
  .tuple(owner, asset, frozen)
  .map(([of, slug, status]): Step => ({ kind: 'wallet.status.of', owner: of, asset: slug, status }));

const limit = fc.option(fc.constantFrom('0', '40', '1500', '9'.repeat(38), '9'.repeat(38)), { nil: null });
const limits: fc.Arbitrary<Limits> = fc.record(
  { perTransaction: limit, day: limit, week: limit, month: limit },
  { requiredKeys: [] },
);
const overdraft = fc
  .tuple(owner, asset, fc.constantFrom('0', '30', '500'))
  .map(([of, slug, most]): Step => ({ kind: 'overdraft.of', owner: of, asset: slug, limit: most }));
const walletLimits = fc
  .tuple(owner, asset, limits)
  .map(([of, slug, some]): Step => ({ kind: 'limits.of', owner: of, asset: slug, ...some }));
const assetLimits = fc
  .tuple(asset, limits)
  .map(([slug, some]): Step => ({ kind: 'asset.limits', slug, ...some }));

const party: fc.Arbitrary<Owner> = fc.oneof(
  user.map((userId) => ({ userId })),
  fc.constantFrom({ system: 'treasury' }, { system: 'revenue' }, { system: 'fees' }),
);
const postings = fc
  .array(
    fc
      .record({ from: party, to: party, assetSlug: asset, amount: fc.bigInt(1n, 60n).map(String) })
      .filter(({ from, to }) => ownerKey(from) !== ownerKey(to)),
    { minLength: 1, maxLength: 4 },
  )
  .map((list): Step => ({ kind: 'postings', postings: list, type: 'purchase' }));

const rate = fc.constantFrom('1', '2', '0.5', '0.25', '1.5', '0.333333333333333333', '17.000000000000000001');
const exchange = fc
  .tuple(user, asset, asset, shared, fc.oneof(rate, fc.bigInt(1n, 60n)))
  .map(([userId, fromAsset, toAsset, { assetSlug: _, ...fields }, asked]): Step => ({
    ...{ kind: 'exchange', userId, fromAsset, toAsset, ...fields },
    ...(typeof asked === 'string' ? { rate: asked } : { toAmount: asked.toString() }),
  }))
  // What is a fault of the request never comes to a decision.
  .filter((step) => {
    const { kind: _, ...body } = step;
    return exchangeBody.safeParse(body).success;
  });

const nth = fc.nat(40);
const small = fc.option(fc.bigInt(1n, 40n).map(String), { nil: undefined });
const hold = fc
  .tuple(user, asset, amount, fc.option(fc.constantFrom(1, 3_600), { nil: undefined }))
  .map(([userId, assetSlug, many, seconds]): Step => ({
    ...{ kind: 'hold', userId, assetSlug, amount: many.toString() },
    ...(seconds === undefined ? {} : { expiresInSeconds: seconds }),
  }));
const capture = fc
  .tuple(nth, small, fc.boolean())
  .map(([of, part, final]): Step => ({
    ...{ kind: 'capture.of', nth: of, final },
    ...(part === undefined ? {} : { amount: part }),
  }));
const ending = fc
  .tuple(fc.constantFrom('release.of', 'expire.of', 'lot.expire.of', 'lot.expire.of'), nth)
  .map(([kind, of]): Step => ({ kind, nth: of }));
const bonusFor = fc.record({
  kind: fc.constant('bonus.for' as const),
  ...{ userId: user, assetSlug: asset, amount: amount.map(String) },
  minutes: fc.constantFrom(1, 10, 20, 30, 40),
});
const reversal = fc
  .tuple(nth, small, fc.boolean())
  .map(([of, part, force]): Step => ({
    ...{ kind: 'reversal.of', nth: of, force },
    ...(part === undefined ? {} : { amount: part }),
  }));

const movement = fc.oneof(
  { weight: 20, arbitrary: money },
  { weight: 8, arbitrary: transfer },
  { weight: 5, arbitrary: postings },
  { weight: 8, arbitrary: hold },
  { weight: 8, arbitrary: capture },
  { weight: 1, arbitrary: nth.map((of): Step => ({ kind: 'release.of', nth: of })) },
  { weight: 5, arbitrary: reversal },
);
const later = fc
  .tuple(movement, fc.constantFrom(-1, 5, 30, 500_000, 600_000))
  .map(([step, minutes]): Step => ({ kind: 'later', step, minutes }));
const ofSchedule = fc
  .tuple(fc.constantFrom('run.of', 'run.of', 'cancel.of'), nth)
  .map(([kind, of]): Step => ({ kind, nth: of }));

const again = fc.constantFrom<Step>(
  { kind: 'user.register', email: ` ${alice.email.toUpperCase()}` },
  { kind: 'user.register', id: bob.id, email: 'other@example.com' },
  { kind: 'asset.create', slug: 'gold' },
);

/** The users and assets that every history begins with. */
export const beginning: readonly Command[] = [
  ...USERS.map(({ id, email }): Command => ({ kind: 'user.register', id, email })),
  { kind: 'asset.create', slug: 'gold', name: 'Gold coins', scale: 2 },
  { kind: 'asset.create', slug: 'ore', supplyCap: '1000' },
  { kind: 'asset.create', slug: 'none', supplyCap: '0' },
];

const lasting: fc.WeightedArbitrary<Step>[] = [
  { weight: 20, arbitrary: money },
  { weight: 8, arbitrary: transfer },
  { weight: 2, arbitrary: userStatus },
  { weight: 2, arbitrary: assetStatus },
  { weight: 2, arbitrary: walletStatus },
  { weight: 1, arbitrary: again },
  { weight: 5, arbitrary: postings },
  { weight: 5, arbitrary: exchange },
  { weight: 8, arbitrary: hold },
  { weight: 8, arbitrary: capture },
  { weight: 5, arbitrary: ending },
  { weight: 10, arbitrary: bonusFor },
  { weight: 5, arbitrary: reversal },
  { weight: 2, arbitrary: overdraft },
  { weight: 2, arbitrary: walletLimits },
  { weight: 2, arbitrary: assetLimits },
  { weight: 10, arbitrary: later },
  { weight: 10, arbitrary: ofSchedule },
];
const LENGTH = { minLength: 5, maxLength: 60, size: 'max' } as const;

export const histories: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(...lasting, { weight: 1, arbitrary: erase }),
  LENGTH,
);

/** In which nobody is erased: for many in one ledger, where whoever is erased is missed in all that follow. */
export const lastingHistories: fc.Arbitrary<Step[]> = fc.array(fc.oneof(...lasting), LENGTH);

export function commandOf(step: Step, found: Found): Command {
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

/** A quarter of an hour goes by after every fourth step. */
function timeOf(step: number): string {
  return new Date(Date.parse(NOON) + Math.floor(step / 4) * 15 * 60_000).toISOString();
}

/** What a history comes to, one event after the other; the state is the same object all along. */
export function* play(
  steps: readonly Step[],
  onDecision: (made: Made) => void = () => undefined,
): Generator<Happened> {
  const state = emptyState();
  const transactions: NewEvent[] = [];
  let firstId = 1;
  for (const [index, step] of [...beginning, ...steps].entries()) {
    const occurredAt = timeOf(index);
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
