/**
 * The answer to a command, rebuilt from the one event that carries its key. The event is the stored response:
 * the first answer and every replay go through here, so they are equal bytes. Members keep this order.
 */
import type { Refusal, RecordedRefusalCode } from '../errors.ts';
import type { EventData, Fact, Hold, LotShare, Owner } from './catalog.ts';
import { hasAny, parsedLimits, spelled, type SpelledLimits } from './spend-limits.ts';
import { endOf, isWhole, scheduleResource } from './schedule-resource.ts';
import { inCanonicalOrder, postedBody, withPersonal } from './transaction-resource.ts';
import type { Body } from './body.ts';

/** Where an event stands in the log, and the personal values of its subject (null: erased). */
export type Placed = Fact & {
  readonly id: string;
  readonly position: bigint;
  readonly occurredAt: string;
  readonly recordedAt: string;
  readonly personal: ReadonlyMap<string, string> | null;
};

export type Outcome =
  /** `scheduled`: nothing was done yet but to note what is to be done. */
  | { readonly kind: 'accepted'; readonly body: Body; readonly scheduled?: true }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | { readonly kind: 'erased' };

export function outcomeOf(event: Placed): Outcome {
  switch (event.type) {
    case 'user.registered':
      return userOutcome(event, event.data.userId, 'ACTIVE', event.occurredAt);
    case 'user.status_changed':
      return userOutcome(event, event.data.userId, event.data.status, event.data.createdAt);
    case 'user.erased': {
      const { userId: id, createdAt } = event.data;
      return accepted(event, { id, email: null, status: 'ERASED', createdAt });
    }
    case 'asset.created':
      return accepted(event, assetBody(event.data, 'ACTIVE'));
    case 'asset.status_changed':
    case 'asset.limits_changed':
      return accepted(event, assetBody(event.data, event.data.status));
    case 'wallet.status_changed':
    case 'wallet.overdraft_changed':
    case 'wallet.limits_changed':
      return accepted(event, walletBody(event.data));
    case 'transaction.posted':
      return postedOutcome(event, event.data);
    case 'hold.placed':
    case 'hold.released':
    case 'hold.expired':
    case 'hold.captured':
      return accepted(event, holdBody(event));
    case 'transaction.rejected':
      return { kind: 'refused', refusal: refusalOf(event.id, event.data) };
    case 'scheduled.created':
    case 'scheduled.executed':
    case 'scheduled.cancelled':
      return scheduleOutcome(event);
    case 'wallet.opened':
      throw new Error('wallet.opened never carries a key: it is part of another command');
  }
}

function accepted(event: Placed, resource: Body): Outcome {
  const { position, recordedAt } = event;
  return { kind: 'accepted', body: { ...resource, position: position.toString(), recordedAt } };
}

function userOutcome(event: Placed, id: string, status: string, createdAt: string): Outcome {
  const email = event.personal?.get('email');
  if (email === undefined) return { kind: 'erased' };
  return accepted(event, { id, email, status, createdAt });
}

function assetBody(
  asset: EventData<'asset.created'> & { limits?: SpelledLimits | undefined },
  status: string,
): Body {
  const { assetId, slug, name, scale, supplyCap } = asset;
  const shown = { id: assetId, slug, name, scale: Number.parseInt(scale, 10), status, supplyCap };
  return { ...shown, ...shownLimits(asset) };
}

/** Overdraft and limits as wallets and assets show them: where there are any, at the end. */
export function shownLimits(of: {
  readonly overdraft?: string | undefined;
  readonly limits?: SpelledLimits | undefined;
}): Body {
  const limits = of.limits === undefined ? null : parsedLimits(of.limits);
  return {
    ...(of.overdraft === undefined || of.overdraft === '0' ? {} : { overdraft: of.overdraft }),
    ...(hasAny(limits) ? { limits: spelled(limits) } : {}),
  };
}

type WalletAfter = EventData<'wallet.status_changed' | 'wallet.overdraft_changed' | 'wallet.limits_changed'>;

function walletBody(wallet: WalletAfter): Body {
  return walletResource({
    id: wallet.walletId,
    owner: wallet.owner,
    asset: { ...wallet.asset, scale: Number.parseInt(wallet.asset.scale, 10) },
    balance: BigInt(wallet.balance),
    held: BigInt(wallet.held),
    status: wallet.status,
    overdraft: wallet.overdraft,
    limits: wallet.limits,
  });
}

/** A wallet as every route shows it. */
export function walletResource(wallet: {
  id: string;
  owner: Owner;
  asset: { slug: string; name: string; scale: number; status: string };
  balance: bigint;
  held: bigint;
  status: string;
  overdraft?: string | undefined;
  limits?: SpelledLimits | undefined;
}): Body {
  const { slug, name, scale, status } = wallet.asset;
  return {
    id: wallet.id,
    userId: 'userId' in wallet.owner ? wallet.owner.userId : null,
    system: 'system' in wallet.owner ? wallet.owner.system : null,
    asset: { slug, name, scale, status },
    balance: wallet.balance.toString(),
    held: wallet.held.toString(),
    available: (wallet.balance - wallet.held).toString(),
    status: wallet.status,
    ...shownLimits(wallet),
  };
}

/** A hold as every route shows it. */
export function holdResource(hold: Hold): Body {
  const { holdId, walletId, userId, asset, amount, captured, remaining, status, expiresAt, reference } = hold;
  return { holdId, walletId, userId, asset, amount, captured, remaining, status, expiresAt, reference };
}

type HoldEvent = Extract<Placed, { type: `hold.${string}` }>;

/** The hold as the event leaves it, and which lots it reserves, has paid out of and reserves no longer. */
function holdBody(event: HoldEvent): Body {
  const { hold } = event.data;
  const ends = 'lotEnds' in event.data ? event.data.lotEnds : undefined;
  const resource = { ...holdResource(hold), ...sharesShown('lots', hold.lots, ends) };
  switch (event.type) {
    case 'hold.placed':
    case 'hold.expired':
      return resource;
    case 'hold.released':
      return { ...resource, ...sharesShown('freed', event.data.freed, ends) };
    case 'hold.captured': {
      const { postings, freed } = event.data;
      const consumed = postings.flatMap(({ from }) => from.lots ?? []);
      return {
        ...resource,
        transactionId: event.id,
        ...sharesShown('consumed', consumed, ends),
        ...sharesShown('freed', freed, ends),
      };
    }
  }
}

/** Not where the event does not say when they end: its first answer did not show them. */
function sharesShown(
  name: string,
  shares: readonly LotShare[] = [],
  ends: Readonly<Record<string, string>> | undefined,
): Body {
  if (ends === undefined || shares.length === 0) return {};
  return { [name]: shares.map(({ lotId, amount }) => ({ lotId, amount, expiresAt: ends[lotId] ?? null })) };
}

function postedOutcome(event: Placed, data: EventData<'transaction.posted'>): Outcome {
  const shown = withPersonal(event, data);
  return shown === 'erased'
    ? { kind: 'erased' }
    : { kind: 'accepted', body: postedBody(event, data, shown.metadata) };
}

function scheduleOutcome(event: Extract<Placed, { type: `scheduled.${string}` }>): Outcome {
  const { schedule } = event.data;
  if (!isWhole(schedule, event.personal)) return { kind: 'erased' };
  const outcome = accepted(event, scheduleResource(schedule, endOf(event), event.personal));
  return outcome.kind === 'accepted' && event.type === 'scheduled.created'
    ? { ...outcome, scheduled: true }
    : outcome;
}

function refusalOf(transactionId: string, data: EventData<'transaction.rejected'>): Refusal {
  return {
    code: data.code as RecordedRefusalCode,
    detail: data.detail,
    figures: { ...inCanonicalOrder(data.figures), transactionId },
  };
}
