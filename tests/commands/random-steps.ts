/** Random steps over few users and assets, so that they meet often: every command, and time that goes on. */
import fc from 'fast-check';
import { exchangeBody } from '../../src/commands/money-schemas.ts';
import type { Command } from '../../src/commands/schemas.ts';
import { ownerKey, type Owner } from '../../src/events/catalog.ts';
import { alice, bob, carol, uuid } from '../events/facts.ts';

export const USERS = [alice, bob, carol];
const NOBODY = uuid('a', 99);
export const ASSETS = ['gold', 'ore', 'none'] as const;

type Limits = {
  readonly perTransaction?: string | null;
  readonly day?: string | null;
  readonly week?: string | null;
  readonly month?: string | null;
};

/** A command; a wallet is named by owner and asset, since its id is drawn only when it is opened. */
export type Action =
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
  | { readonly kind: 'later'; readonly step: Action; readonly minutes: number }
  | { readonly kind: 'run.of' | 'cancel.of'; readonly nth: number }
  | {
      readonly kind: 'reversal.of';
      readonly nth: number;
      readonly amount?: string;
      readonly force?: boolean;
    };

/** Or time goes on. */
export type Step = Action | { readonly kind: 'wait'; readonly minutes: number };

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
  .map(([kind, userId, fields]): Action => ({ kind, userId, ...fields }));

const transfer = fc
  .tuple(user, user, shared)
  .filter(([from, to]) => from !== to)
  .map(([fromUserId, toUserId, fields]): Action => ({ kind: 'transfer', fromUserId, toUserId, ...fields }));

const userStatus = fc
  .tuple(user, fc.constantFrom('ACTIVE', 'ACTIVE', 'BANNED'), reason)
  .map(([userId, status, why]): Action => ({
    kind: 'user.status',
    userId,
    status,
    ...(why && { reason: why }),
  }));

const erase = fc
  .tuple(user, reason)
  .map(([userId, why]): Action => ({ kind: 'user.erase', userId, ...(why && { reason: why }) }));

const assetStatus = fc
  .tuple(asset, frozen, reason)
  .map(([slug, status, why]): Action => ({
    kind: 'asset.status',
    slug,
    status,
    ...(why && { reason: why }),
  }));

const owner: fc.Arbitrary<Owner> = fc.oneof(
  user.map((userId) => ({ userId })),
  fc.constant({ system: 'treasury' }),
);
const walletStatus = fc
  .tuple(owner, asset, frozen)
  .map(([of, slug, status]): Action => ({ kind: 'wallet.status.of', owner: of, asset: slug, status }));

const limit = fc.option(fc.constantFrom('0', '40', '1500', '9'.repeat(38), '9'.repeat(38)), { nil: null });
const limits: fc.Arbitrary<Limits> = fc.record(
  { perTransaction: limit, day: limit, week: limit, month: limit },
  { requiredKeys: [] },
);
const overdraft = fc
  .tuple(owner, asset, fc.constantFrom('0', '30', '500'))
  .map(([of, slug, most]): Action => ({ kind: 'overdraft.of', owner: of, asset: slug, limit: most }));
const walletLimits = fc
  .tuple(owner, asset, limits)
  .map(([of, slug, some]): Action => ({ kind: 'limits.of', owner: of, asset: slug, ...some }));
const assetLimits = fc
  .tuple(asset, limits)
  .map(([slug, some]): Action => ({ kind: 'asset.limits', slug, ...some }));

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
  .map((list): Action => ({ kind: 'postings', postings: list, type: 'purchase' }));

const rate = fc.constantFrom('1', '2', '0.5', '0.25', '1.5', '0.333333333333333333', '17.000000000000000001');
const exchange = fc
  .tuple(user, asset, asset, shared, fc.oneof(rate, fc.bigInt(1n, 60n)))
  .map(([userId, fromAsset, toAsset, { assetSlug: _, ...fields }, asked]): Action => ({
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
  .map(([userId, assetSlug, many, seconds]): Action => ({
    ...{ kind: 'hold', userId, assetSlug, amount: many.toString() },
    ...(seconds === undefined ? {} : { expiresInSeconds: seconds }),
  }));
const capture = fc
  .tuple(nth, small, fc.boolean())
  .map(([of, part, final]): Action => ({
    ...{ kind: 'capture.of', nth: of, final },
    ...(part === undefined ? {} : { amount: part }),
  }));
const ending = fc
  .tuple(fc.constantFrom('release.of', 'expire.of', 'lot.expire.of', 'lot.expire.of'), nth)
  .map(([kind, of]): Action => ({ kind, nth: of }));
const bonusFor = fc.record({
  kind: fc.constant('bonus.for' as const),
  ...{ userId: user, assetSlug: asset, amount: amount.map(String) },
  minutes: fc.constantFrom(1, 10, 20, 30, 40),
});
const reversal = fc
  .tuple(nth, small, fc.boolean())
  .map(([of, part, force]): Action => ({
    ...{ kind: 'reversal.of', nth: of, force },
    ...(part === undefined ? {} : { amount: part }),
  }));

const movement = fc.oneof(
  { weight: 20, arbitrary: money },
  { weight: 8, arbitrary: transfer },
  { weight: 5, arbitrary: postings },
  { weight: 8, arbitrary: hold },
  { weight: 8, arbitrary: capture },
  { weight: 1, arbitrary: nth.map((of): Action => ({ kind: 'release.of', nth: of })) },
  { weight: 5, arbitrary: reversal },
);
const later = fc
  .tuple(movement, fc.constantFrom(-1, 5, 30, 500_000, 600_000))
  .map(([step, minutes]): Action => ({ kind: 'later', step, minutes }));
const ofSchedule = fc
  .tuple(fc.constantFrom('run.of', 'run.of', 'cancel.of'), nth)
  .map(([kind, of]): Action => ({ kind, nth: of }));

const again = fc.constantFrom<Action>(
  { kind: 'user.register', email: ` ${alice.email.toUpperCase()}` },
  { kind: 'user.register', id: bob.id, email: 'other@example.com' },
  { kind: 'asset.create', slug: 'gold' },
);

const lasting: fc.WeightedArbitrary<Action>[] = [
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

/** From an hour to more than a month: holds run out, bonuses end, and windows of limits roll. */
const wait = fc
  .constantFrom(60, 7 * 60, 24 * 60, 8 * 24 * 60, 32 * 24 * 60)
  .map((minutes): Step => ({ kind: 'wait', minutes }));

export const histories: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof<fc.WeightedArbitrary<Step>[]>(
    ...lasting,
    { weight: 1, arbitrary: erase },
    { weight: 4, arbitrary: wait },
  ),
  LENGTH,
);

/** In which nobody is erased: for many in one ledger, where whoever is erased is missed in all that follow. */
export const lastingHistories: fc.Arbitrary<Action[]> = fc.array(fc.oneof(...lasting), LENGTH);
