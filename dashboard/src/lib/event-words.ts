/** What an event says, in a line. */
import type { Asset, LedgerEvent } from '../api/types.ts';
import { formatAmount } from './amount.ts';
import { typeName } from './transaction-types.ts';

type Data = Readonly<Record<string, unknown>>;

function text(data: Data, name: string): string | null {
  const value = data[name];
  return typeof value === 'string' ? value : null;
}

function inside(data: Data, name: string): Data {
  const value = data[name];
  return typeof value === 'object' && value !== null ? (value as Data) : {};
}

function amountOf(data: Data, assets: readonly Asset[]): string {
  const [amount, slug] = [text(data, 'amount'), text(data, 'asset') ?? text(data, 'assetSlug')];
  if (amount === null || !/^-?\d+$/.test(amount)) return '';
  const asset = assets.find((one) => one.slug === slug);
  return `${formatAmount(amount, asset?.scale ?? 0)} ${asset?.name ?? slug ?? ''}`.trim();
}

/** Types may be added by a newer service: what is not known here has no words. */
export function summaryOf({ type, data }: LedgerEvent, assets: readonly Asset[]): string {
  const kind = typeName(text(data, 'type') ?? '');
  const hold = inside(data, 'hold');
  const schedule = inside(data, 'schedule');
  const known: Readonly<Record<string, string | undefined>> = {
    'transaction.posted': `${kind} ${amountOf(data, assets)}`,
    'transaction.rejected': `${kind} ${amountOf(data, assets)}: ${(text(data, 'code') ?? '').replaceAll('_', ' ')}`,
    'hold.placed': amountOf(hold, assets),
    'hold.captured': amountOf(data, assets),
    'hold.released': amountOf(hold, assets),
    'hold.expired': amountOf(hold, assets),
    'asset.created': text(data, 'name') ?? '',
    'wallet.opened': walletWords(data, assets),
    'scheduled.created': `${typeName(text(schedule, 'type') ?? '')} ${amountOf(inside(schedule, 'command'), assets)}`,
  };
  return (known[type] ?? statusWords(data)).trim();
}

/** What became of something: "Gold coins, frozen". */
function statusWords(data: Data): string {
  const name = text(data, 'name') ?? text(inside(data, 'asset'), 'name');
  return [name, text(data, 'status')?.toLowerCase()].filter((word) => word != null).join(', ');
}

function walletWords(data: Data, assets: readonly Asset[]): string {
  const slug = text(data, 'asset');
  const system = text(inside(data, 'owner'), 'system');
  const name = assets.find((one) => one.slug === slug)?.name ?? slug ?? '';
  return system === null ? name : `${name}, ${system}`;
}

/** Whose it is, where an event names one user. */
export function userOf({ data }: LedgerEvent): string | null {
  return (
    text(data, 'userId') ?? text(inside(data, 'owner'), 'userId') ?? text(inside(data, 'hold'), 'userId')
  );
}

/** Of a declined attempt, why. */
export function refusalOf({ type, data }: LedgerEvent): string | null {
  return type === 'transaction.rejected' ? text(data, 'code') : null;
}

/** The transaction that an event is, where it is one. */
export function transactionOf({ type, id }: LedgerEvent): string | null {
  return type === 'transaction.posted' || type === 'transaction.rejected' || type === 'hold.captured'
    ? id
    : null;
}
