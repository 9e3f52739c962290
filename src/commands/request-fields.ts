/** Which fields of two requests under one key differ: one as it is sent, one as it was sent or as its event tells it. */
import type { ExchangeTerms } from '../events/catalog.ts';
import type { StoredEvent } from '../events/read.ts';
import { SCHEDULE_CANCEL, withPersonal } from '../events/transaction-resource.ts';
import { endOf, requestOfCommand, requestOfMoney, sorted, type Fields } from './command-fields.ts';
import { commandOfSchedule } from './schedule-schemas.ts';
import type { Command } from './schemas.ts';

/**
 * Requests may also differ in spelling alone: a default written out, a null, capitals in an id or an e-mail. The log
 * does not say which, so all fields that have two spellings are named.
 */
export function differingFields(
  first: { readonly command: Command } | { readonly stored: StoredEvent },
  second: { readonly command: Command },
): string[] {
  const stored = 'stored' in first ? requestOfEvent(first.stored) : requestOfCommand(first.command);
  const asked = requestOfCommand(second.command);
  const names = [...new Set([...Object.keys(stored), ...Object.keys(asked)])];
  const differing = names.filter(
    (name) => isTold(name, { stored, asked }) && textOf(stored[name]) !== textOf(asked[name]),
  );
  // An event tells postings by their wallets: where all else is equal, it is in who pays or is paid.
  if (differing.length === 0 && 'postings' in asked) return ['postings'];
  return differing.length > 0 ? differing : names.filter((name) => TWO_SPELLINGS.has(name));
}

/** A field that a command does not have is as good as one that was left out. */
function textOf(value: unknown): string {
  return JSON.stringify(value ?? null);
}

/** An id that was not asked for was drawn by the service, and postings that were declined are not told. */
function isTold(name: string, requests: { stored: Fields; asked: Fields }): boolean {
  if (name === 'id') return 'id' in requests.asked;
  return name !== 'postings' || 'postings' in requests.stored || requests.stored['command'] !== 'postings';
}

const TWO_SPELLINGS = new Set([
  'id',
  'userId',
  'fromUserId',
  'toUserId',
  'walletId',
  'email',
  'name',
  'scale',
  'supplyCap',
  'reason',
  'reference',
  'metadata',
  'personalMetadata',
  'expiresInSeconds',
  'expiresAt',
  'expiresInDays',
  'final',
  'force',
  'to',
  'type',
  'perTransaction',
  'day',
  'week',
  'month',
  'executeAt',
]);

function requestOfEvent(event: StoredEvent): Fields {
  switch (event.type) {
    case 'user.registered':
      return { command: 'user.register', email: event.personal?.get('email'), id: event.data.userId };
    case 'user.status_changed':
      return { command: 'user.status', ...pick(event.data, ['userId', 'status', 'reason']) };
    case 'user.erased':
      return { command: 'user.erase', ...pick(event.data, ['userId', 'reason']) };
    case 'asset.created':
      return { command: 'asset.create', ...pick(event.data, ['slug', 'name', 'scale', 'supplyCap']) };
    case 'asset.status_changed':
      return { command: 'asset.status', ...pick(event.data, ['slug', 'status', 'reason']) };
    case 'wallet.status_changed':
      return { command: 'wallet.status', ...pick(event.data, ['walletId', 'status', 'reason']) };
    case 'wallet.overdraft_changed':
      return { command: 'wallet.overdraft', walletId: event.data.walletId, limit: event.data.overdraft };
    case 'wallet.limits_changed':
      return { command: 'wallet.limits', walletId: event.data.walletId, ...event.data.limits };
    case 'asset.limits_changed':
      return { command: 'asset.limits', slug: event.data.slug, ...event.data.limits };
    case 'transaction.posted':
    case 'transaction.rejected':
      return requestOfTransaction(event);
    case 'hold.placed': {
      const { userId, asset, amount, reference } = event.data.hold;
      const { expiresInSeconds } = event.data;
      return { command: 'hold', userId, assetSlug: asset, amount, expiresInSeconds, reference };
    }
    case 'hold.captured':
      return { command: 'capture', holdId: event.data.hold.holdId, ...event.data.asked };
    case 'hold.released':
      return { command: 'release', holdId: event.data.hold.holdId };
    case 'scheduled.created': {
      const { schedule } = event.data;
      const command = commandOfSchedule(schedule, event.personal);
      return { ...requestOfMoney(command), executeAt: schedule.executeAt };
    }
    case 'scheduled.cancelled': {
      const { schedule, reason } = event.data;
      return { command: SCHEDULE_CANCEL, scheduleId: schedule.scheduleId, reason };
    }
    case 'scheduled.executed':
    case 'hold.expired':
    case 'wallet.opened':
      throw new Error(`${event.type} never carries a key`);
  }
}

type OfTransaction = Extract<StoredEvent, { type: 'transaction.posted' | 'transaction.rejected' }>;

function requestOfTransaction(event: OfTransaction): Fields {
  const { type, userId, toUserId, asset, amount, reference, asked } = event.data;
  switch (type) {
    case 'hold':
      return { command: type, userId, assetSlug: asset, amount, reference, ...asked };
    case 'capture':
    case 'release':
      return { command: type, holdId: event.relatedId, ...asked };
    case 'reversal':
      return { command: type, transactionId: event.relatedId, ...asked };
    case 'user.erase':
      return { command: type, userId, ...asked };
    case SCHEDULE_CANCEL:
      return { command: type, scheduleId: event.relatedId, ...asked };
  }
  const shown = withPersonal(event, event.data);
  const metadata = shown === 'erased' ? null : sorted(shown.metadata);
  if (asset === null) {
    const moved = 'postings' in event.data ? event.data.postings : null;
    const postings = moved?.map((posting) => [posting.asset, posting.amount]);
    return { command: 'postings', type, ...(postings && { postings }), reference, metadata };
  }
  const parties = toUserId === undefined ? { userId } : { fromUserId: userId, toUserId };
  const personalMetadata = Object.keys(event.data.personalMetadata ?? {}).sort();
  const { exchange } = event.data;
  return {
    command: type,
    ...parties,
    ...(exchange === undefined ? { assetSlug: asset } : requestOfExchange(exchange)),
    amount,
    reference,
    metadata,
    personalMetadata: personalMetadata.length > 0 ? personalMetadata : null,
    ...(type === 'bonus' && endOf(asked)),
  };
}

function requestOfExchange({ fromAsset, toAsset, rate, toAmount }: ExchangeTerms): Fields {
  return { fromAsset, toAsset, rate, toAmount: rate === null ? toAmount : null };
}

function pick<Data extends object, Name extends keyof Data>(data: Data, names: Name[]): Fields {
  return Object.fromEntries(names.map((name) => [name, data[name]]));
}
