/**
 * Random steps: every command, over few users and assets so that they meet often. What is not known before
 * the steps run, such as holds and transactions, is drawn as a number and taken from what there is by then.
 */
import fc from 'fast-check';
import { walletName } from './reference-words.ts';
import type { Item, Reference, Request, Via } from './reference-requests.ts';
import type { Command, Ledger } from './reference-terms.ts';

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
  | { readonly kind: 'repeat'; readonly which: number; readonly via: Via | null };

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

const step: fc.Arbitrary<Step> = fc.oneof(
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

/** Without the bias towards short ones, in which little can meet. */
export const histories: fc.Arbitrary<Step[]> = fc.noBias(
  fc.array(step, { minLength: 1, maxLength: 40, size: 'max' }),
);

/** What is asked for later at the end of a history. Waiting takes seconds, so few histories have any. */
export const laters: fc.Arbitrary<Asked[]> = fc.oneof(
  { weight: 7, arbitrary: fc.constant<Asked[]>([]) },
  { weight: 1, arbitrary: fc.noBias(fc.array(moving, { minLength: 4, maxLength: 8, size: 'max' })) },
);

/** One that every run has: of two who cannot both be served, the second is declined. */
export const someLater: readonly Asked[] = [
  { kind: 'spend', user: 'bob', asset: 'gold', amount: 70n },
  { kind: 'transfer', from: 'bob', to: 'carol', asset: 'gold', amount: 60n },
  { kind: 'hold', user: 'carol', asset: 'gold', amount: 30n, expires: true },
  { kind: 'topup', user: 'nobody', asset: 'gold', amount: 1n },
];

/** What every history begins with: something to spend, and to be refused for being more than that. */
export const beginning: readonly Step[] = Object.keys(CAPS).map((asset) => {
  const items = USERS.slice(0, 3).map((user) => {
    return { asked: { kind: 'topup', user, asset, amount: 100n } as const, keyOf: null };
  });
  return { kind: 'send', via: 'each', items, dryRun: false };
});

function alone(asked: Asked): Step {
  return { kind: 'send', via: 'route', items: [{ asked, keyOf: null }], dryRun: false };
}

/** Histories that once came to something else than they should. */
export const traps: readonly Step[][] = [
  // A refused batch is answered again as it was, though by now an earlier command of it would be refused.
  [
    {
      ...{ kind: 'send', via: 'atomic', dryRun: false },
      items: [40n, 500n].map((amount) => {
        return { asked: { kind: 'spend', user: 'alice', asset: 'gold', amount } as const, keyOf: null };
      }),
    },
    alone({ kind: 'spend', user: 'alice', asset: 'gold', amount: 90n }),
    { kind: 'repeat', which: 2, via: null },
  ],
  // Who has nothing left is erased, and from then on neither paid nor charged, shown nor changed.
  [
    alone({ kind: 'user.status', user: 'alice', barred: false }),
    alone({ kind: 'spend', user: 'alice', asset: 'gold', amount: 100n }),
    alone({ kind: 'user.erase', user: 'alice' }),
    alone({ kind: 'transfer', from: 'alice', to: 'bob', asset: 'ore', amount: 100n }),
    alone({ kind: 'user.erase', user: 'alice' }),
    ...[2, 3, 4, 5, 6].map((which): Step => ({ kind: 'repeat', which, via: null })),
    alone({ kind: 'topup', user: 'alice', asset: 'gold', amount: 1n }),
    alone({ kind: 'transfer', from: 'bob', to: 'alice', asset: 'gold', amount: 1n }),
    alone({ kind: 'user.status', user: 'alice', barred: true }),
    ...[0, 1, 6, 7, 8].map((transaction) =>
      alone({ kind: 'reversal', transaction, amount: null, force: true }),
    ),
  ],
  // Who was forced below zero and is paid has no more to spend than that.
  [
    alone({ kind: 'spend', user: 'alice', asset: 'gold', amount: 100n }),
    alone({ kind: 'reversal', transaction: 6, amount: null, force: true }),
    alone({
      kind: 'postings',
      postings: [
        { from: '@treasury', to: 'alice', asset: 'gold', amount: 130n },
        { from: 'alice', to: '@revenue', asset: 'gold', amount: 110n },
      ],
    }),
  ],
];

/** What was sent so far. */
export type Sent = { readonly requests: Request[]; readonly items: Item[] };

/** Notes it as sent; null when there is nothing yet to repeat. */
export function requestOf(step: Step, { ledger }: Reference, sent: Sent): Request | null {
  if (step.kind === 'repeat') {
    const request = sent.requests[step.which % Math.max(sent.requests.length, 1)];
    return request === undefined ? null : { ...request, via: viaOf(request, step.via) };
  }
  const items = step.items.map(({ asked, keyOf }): Item => {
    const earlier = keyOf === null ? undefined : sent.items[keyOf % Math.max(sent.items.length, 1)];
    return { key: earlier?.key ?? crypto.randomUUID(), command: commandOf(asked, ledger) };
  });
  const request = { via: step.via, items };
  sent.requests.push(request);
  sent.items.push(...items);
  return request;
}

const WITHOUT_BATCHES: readonly Kind[] = [
  ...(['user.status', 'user.erase', 'asset.status', 'wallet.status'] as const),
  ...(['wallet.overdraft', 'wallet.limits', 'asset.limits'] as const),
];

function viaOf({ via, items }: Request, wanted: Via | null): Via {
  if (wanted === null || (wanted === 'route' && items.length > 1)) return via;
  return items.some(({ command }) => WITHOUT_BATCHES.includes(command.kind)) ? via : wanted;
}

export function commandOf(asked: Asked, ledger: Ledger): Command {
  switch (asked.kind) {
    case 'capture':
    case 'release':
      return { ...asked, hold: placeIn(ledger.holds, asked.hold) };
    case 'reversal':
      return { ...asked, transaction: placeIn(ledger.transactions, asked.transaction) };
    case 'wallet.status':
    case 'wallet.overdraft':
    case 'wallet.limits':
      return { ...asked, known: ledger.wallets.has(walletName(asked.owner, asked.asset)) };
    default:
      return asked;
  }
}

/** The newest for 0, so that steps are about what is still going on; -1 is of none. */
function placeIn(list: readonly unknown[], drawn: number): number {
  return drawn === -1 || list.length === 0 ? -1 : list.length - 1 - (drawn % list.length);
}
