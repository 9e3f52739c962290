/** A transaction as every route shows it: built from its event alone, members always in this order. */
import type { Body } from './body.ts';
import type { EventData, ExchangeTerms, Posting } from './catalog.ts';

type Personal = { readonly id: string; readonly personal: ReadonlyMap<string, string> | null };
type Placement = { readonly id: string; readonly position: bigint; readonly recordedAt: string };
type Metadata = Record<string, string> | null;

export type PostedData = EventData<'transaction.posted'> | EventData<'hold.captured'>;

export function postedBody(event: Placement, data: PostedData, metadata: Metadata): Body {
  const { postings } = data;
  const [first, second] = postings;
  const exchange = 'exchange' in data ? data.exchange : undefined;
  const single = data.asset !== null && first !== undefined && postings.length === 1;
  const entries: Body[] = [];
  for (const { asset, amount, from, to } of postings) {
    const moved = single ? null : asset;
    entries.push(
      entryOf(from, 'DEBIT', { asset: moved, amount }),
      entryOf(to, 'CREDIT', { asset: moved, amount }),
    );
  }
  const body: Record<string, unknown> = {
    transactionId: event.id,
    type: data.type,
    status: 'posted',
    asset: data.asset,
    userId: data.userId,
    amount: data.amount,
    balanceAfter: single || (exchange && first) ? usersBalance(data, first) : null,
    entries,
    position: event.position.toString(),
    recordedAt: event.recordedAt,
    reference: data.reference,
    metadata,
  };
  if (data.toUserId !== undefined) body['toUserId'] = data.toUserId;
  if (exchange !== undefined) Object.assign(body, exchangeShown(exchange, second?.to.balanceAfter ?? null));
  if ('hold' in data) body['holdId'] = data.hold.holdId;
  if ('reverses' in data) {
    body['reverses'] = data.reverses;
    body['reason'] = data.reason ?? null;
  }
  if ('lot' in data) body['expiresAt'] = data.lot?.expiresAt ?? null;
  if ('expires' in data) body['expires'] = data.expires ?? null;
  return body;
}

/** `asset`: null where the transaction has one only, which is told with it. */
function entryOf(
  { walletId, balanceAfter, lots }: Posting['from'],
  direction: 'DEBIT' | 'CREDIT',
  { asset, amount }: { asset: string | null; amount: string },
): Body {
  const entry: Record<string, unknown> = { walletId, direction };
  if (asset !== null) entry['asset'] = asset;
  entry['amount'] = amount;
  entry['balanceAfter'] = balanceAfter;
  if (lots !== undefined) entry['lots'] = lots.map((share) => ({ lotId: share.lotId, amount: share.amount }));
  return entry;
}

/** A declined attempt: what was asked for, why it was refused, and the figures seen under the lock. */
export function rejectedBody(
  event: Placement & { readonly relatedId: string | null },
  data: EventData<'transaction.rejected'>,
  metadata: Metadata,
): Body {
  return {
    transactionId: event.id,
    type: data.type,
    status: 'rejected',
    asset: data.asset,
    userId: data.userId,
    amount: data.amount,
    balanceAfter: null,
    entries: [],
    position: event.position.toString(),
    recordedAt: event.recordedAt,
    reference: data.reference,
    metadata,
    ...(data.toUserId === undefined ? {} : { toUserId: data.toUserId }),
    ...exchangeShown(data.exchange, null),
    ...tieOfRejected(data.type, event.relatedId),
    rejection: { code: data.code, detail: data.detail, figures: inCanonicalOrder(data.figures) },
  };
}

/** What the user gets, beside asset, amount and balanceAfter, which tell what is paid for it. */
function exchangeShown(exchange: ExchangeTerms | undefined, toBalanceAfter: string | null): Body {
  if (exchange === undefined) return {};
  const { fromAsset, toAsset, toAmount, rate, numerator, denominator, rounding } = exchange;
  const exactRate = { numerator, denominator };
  return { fromAsset, toAsset, toAmount, toBalanceAfter, rate, exactRate, rounding };
}

/** The type of a declined attempt to cancel a schedule: none that a client can give to postings. */
export const SCHEDULE_CANCEL = 'schedule.cancel';

/** What a declined attempt was about, named as where it is done. */
function tieOfRejected(type: string, relatedId: string | null): Body {
  if (relatedId === null) return {};
  if (type === SCHEDULE_CANCEL) return { scheduleId: relatedId };
  return type === 'reversal' ? { reverses: relatedId } : { holdId: relatedId };
}

const PAID_BY_THE_USER = new Set(['spend', 'transfer', 'capture', 'expiry', 'exchange']);

/** The balance of the wallet the command is about: the payer's in a spend, transfer, exchange or capture, else the receiver's. */
function usersBalance(data: PostedData, posting: Posting): string {
  const reversed = 'reversedType' in data ? data.reversedType : undefined;
  const paidByUser =
    reversed === undefined ? PAID_BY_THE_USER.has(data.type) : !PAID_BY_THE_USER.has(reversed);
  return paidByUser ? posting.from.balanceAfter : posting.to.balanceAfter;
}

/** Puts personal metadata, kept beside the log, back where the request had it. */
export function withPersonal(
  event: Personal,
  data: { metadata: Record<string, string> | null; personalMetadata?: Record<string, string> | undefined },
): { metadata: Record<string, string> | null } | 'erased' {
  if (data.personalMetadata === undefined)
    return { metadata: data.metadata && inCanonicalOrder(data.metadata) };
  const metadata: Record<string, string> = { ...data.metadata };
  for (const name of Object.keys(data.personalMetadata)) {
    const value = event.personal?.get(personalMetadataField(event.id, name));
    if (value === undefined) return 'erased';
    metadata[name] = value;
  }
  return { metadata: inCanonicalOrder(metadata) };
}

/** Members in the order in which the log stores them: the first answer must be equal bytes to its replay. */
export function inCanonicalOrder<Value>(record: Readonly<Record<string, Value>>): Record<string, Value> {
  const names = Object.keys(record);
  if (names.length < 2) return record;
  return Object.fromEntries(names.sort().map((name) => [name, record[name] as Value]));
}

/** The `field` under which a personal metadata value of a transaction is kept. */
export function personalMetadataField(transactionId: string, name: string): string {
  return `metadata:${transactionId}:${name}`;
}

/** Metadata as lists show it: what was erased is left out. */
export function shownMetadata(
  event: Personal,
  data: { metadata: Metadata; personalMetadata?: Record<string, string> | undefined },
): Metadata {
  const shown = withPersonal(event, data);
  return shown === 'erased' ? data.metadata : shown.metadata;
}
