/**
 * Random steps: every command, over few users and assets so that they meet often. What is not known before
 * the steps run, such as holds and transactions, is drawn as a number and taken from what there is by then.
 */
import fc from 'fast-check';
import type { Via } from './reference-requests.ts';
import type { Command } from './reference-terms.ts';

/** The last one has nothing to begin with. */
export const USERS = ['alice', 'bob', 'carol', 'dora'] as const;
export const CAPS = { gold: null, ore: 500n } as const;
export const SYSTEMS = ['@treasury', '@revenue', '@fees'] as const;

type Kind = Command['kind'];
type CommandOf<Named extends Kind> = Extract<Command, { kind: Named }>;
type Drawn<Command> = Command extends { known: boolean } ? Omit<Command, 'known'> : Command;

/** A command whose hold or transaction is yet to be chosen. */
export type Asked = Drawn<Command>;

export type Step =
  | {
      readonly kind: 'send';
      readonly via: Via;
      /** With a key of its own, or with that of an item sent before. */
      readonly items: readonly { readonly asked: Asked; readonly keyOf: number | null }[];
      readonly dryRun: boolean;
    }
  | { readonly kind: 'repeat'; readonly which: number; readonly via: Via | null }
  /** Time goes on; `sweeps`: what is due by then is ended. */
  | { readonly kind: 'wait'; readonly seconds: number; readonly sweeps: boolean }
  | { readonly kind: 'later'; readonly asked: Asked; readonly seconds: number }
  /** Of the schedules there are, the newest for 0. */
  | { readonly kind: 'cancel'; readonly which: number };

const user = fc.oneof(
  { weight: 80, arbitrary: fc.constantFrom(...USERS) },
  { weight: 1, arbitrary: fc.constant('nobody') },
);
const asset = fc.oneof(
  { weight: 80, arbitrary: fc.constantFrom('gold', 'gold', 'ore') },
  { weight: 1, arbitrary: fc.constant('tin') },
);
const party = fc.oneof(
  { weight: 3, arbitrary: user },
  { weight: 2, arbitrary: fc.constantFrom<string>(...SYSTEMS) },
);
const small = fc.bigInt(1n, 60n);
const amount = fc.oneof({ weight: 5, arbitrary: small }, { weight: 1, arbitrary: fc.bigInt(1n, 400n) });
/** Two of these are more than a balance can be. */
const huge = fc.bigInt(5n * 10n ** 37n, 10n ** 38n - 1n);
const some = fc.option(small, { nil: null, freq: 2 });
/** More often good than bad, so that money still moves after a while. */
const barred = fc.constantFrom(false, false, false, true);
const posting = fc.record({ from: party, to: party, asset, amount }).filter(({ from, to }) => from !== to);
const paidOut = fc.record({ from: fc.constant('@treasury'), to: user, asset, amount: small });

/** What cannot be meant is a 400 before any rule is asked. */
function isExchange({ asset: from, toAsset, amount: of, at }: Omit<CommandOf<'exchange'>, 'kind'>): boolean {
  return from !== toAsset && ('toAmount' in at || isWithin(of * at.per, at.of));
}

function isWithin(worth: bigint, of: bigint): boolean {
  return worth >= of && worth < of * 10n ** 38n;
}

const money: fc.Arbitrary<Asked> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant('topup' as const),
      ...{ user, asset },
      amount: fc.oneof({ weight: 10, arbitrary: amount }, { weight: 1, arbitrary: huge }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('bonus' as const),
      ...{ user, asset, amount: small },
      days: fc.constantFrom(null, 10, 20, 30),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('spend' as const), user, asset, amount }) },
  {
    weight: 6,
    arbitrary: fc
      .record({ kind: fc.constant('transfer' as const), from: user, to: user, asset, amount })
      .filter(({ from, to }) => from !== to),
  },
  {
    weight: 5,
    arbitrary: fc
      .record({
        kind: fc.constant('exchange' as const),
        ...{ user, asset, toAsset: asset },
        amount: fc.oneof({ weight: 12, arbitrary: amount }, { weight: 1, arbitrary: huge }),
        at: fc.oneof(
          fc.record({ per: fc.bigInt(1n, 400n), of: fc.constantFrom(1n, 10n, 100n) }),
          fc.record({ toAmount: amount }),
        ),
      })
      .filter(isExchange),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant('postings' as const),
      postings: fc.array(fc.oneof(posting, paidOut), { minLength: 1, maxLength: 5 }),
    }),
  },
);

const number = fc.oneof(
  { weight: 12, arbitrary: fc.nat({ max: 4 }) },
  { weight: 12, arbitrary: fc.nat({ max: 60 }) },
  { weight: 1, arbitrary: fc.constant(-1) },
);
const holds: fc.Arbitrary<Asked> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('hold' as const),
      ...{ user, asset, amount, expires: fc.boolean() },
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('capture' as const),
      ...{ hold: number, amount: some },
      final: fc.constantFrom(null, true, false, false),
      to: fc.option(party, { nil: null, freq: 2 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('release' as const), hold: number }) },
);
const reversal: fc.Arbitrary<Asked> = fc.record({
  kind: fc.constant('reversal' as const),
  ...{ transaction: number, amount: some, force: fc.boolean() },
});
const status: fc.Arbitrary<Asked> = fc.oneof(
  fc.record({ kind: fc.constant('user.status' as const), user, barred }),
  fc.record({ kind: fc.constant('asset.status' as const), asset, barred }),
  fc.record({ kind: fc.constant('wallet.status' as const), owner: party, asset, barred }),
);

const limit = fc.option(fc.oneof(fc.constantFrom(0n, 400n), small), { nil: null, freq: 2 });
const someLimits = fc.record({ perTransaction: limit, day: limit, week: limit, month: limit });
/** Often none, so that money still moves after a while. */
const noLimits = fc.constant({ perTransaction: null, day: null, week: null, month: null });
const limited = fc.oneof({ weight: 2, arbitrary: noLimits }, { weight: 3, arbitrary: someLimits });
const limits: fc.Arbitrary<Asked> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('wallet.overdraft' as const),
      ...{ owner: party, asset },
      overdraft: fc.oneof(fc.constant(0n), small),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('wallet.limits' as const),
      ...{ owner: party, asset, limits: limited },
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('asset.limits' as const), asset, limits: limited }) },
);

export function alone(asked: Asked): Step {
  return { kind: 'send', via: 'route', items: [{ asked, keyOf: null }], dryRun: false };
}

const moving = fc.oneof(
  { weight: 8, arbitrary: money },
  { weight: 5, arbitrary: holds },
  { weight: 4, arbitrary: reversal },
);
const keyOf = fc.oneof(
  { weight: 20, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: fc.nat({ max: 60 }) },
);
const item = fc.record({ asked: moving, keyOf });
const dryRun = fc.constantFrom(false, false, false, true);

const sent: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 24,
    arbitrary: fc.record({
      kind: fc.constant('send' as const),
      via: fc.constant<Via>('route'),
      ...{ items: fc.tuple(item), dryRun },
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('send' as const),
      via: fc.constantFrom<Via>('each', 'atomic'),
      ...{ items: fc.array(item, { minLength: 1, maxLength: 4 }), dryRun },
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('send' as const),
      via: fc.constant<Via>('route'),
      items: fc.tuple(fc.record({ asked: status, keyOf })),
      dryRun: fc.constant(false),
    }),
  },
  {
    // One key for two of a batch: by chance alone it hardly ever comes.
    weight: 1,
    arbitrary: fc.tuple(item, item, fc.nat({ max: 60 })).map(([one, other, keyOf]): Step => {
      const items = [one, other].map(({ asked }) => ({ asked, keyOf }));
      return { kind: 'send', via: 'atomic', items, dryRun: false };
    }),
  },
  {
    // For ever: more often, and there would soon be nobody left to pay.
    weight: 1,
    arbitrary: user.map((of) => alone({ kind: 'user.erase', user: of })),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('send' as const),
      via: fc.constant<Via>('route'),
      items: fc.tuple(fc.record({ asked: limits, keyOf })),
      dryRun: fc.constant(false),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('repeat' as const),
      which: fc.nat({ max: 40 }),
      via: fc.constantFrom<Via | null>(null, null, 'route', 'each', 'atomic'),
    }),
  },
);

const HOUR = 3_600;
const DAY = 24 * HOUR;

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 40, arbitrary: sent },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      seconds: fc.constantFrom(60, HOUR, 7 * HOUR, DAY, 8 * DAY, 11 * DAY, 31 * DAY),
      sweeps: fc.constantFrom(true, true, false),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('later' as const),
      asked: moving,
      seconds: fc.constantFrom(30, HOUR, DAY, 9 * DAY),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel' as const), which: number }) },
);

/** Without the bias towards short ones, in which little can meet. */
export const histories: fc.Arbitrary<Step[]> = fc.noBias(
  fc.array(step, { minLength: 1, maxLength: 40, size: 'max' }),
);
