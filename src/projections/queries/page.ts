/**
 * Keyset pages: a cursor names the last row of a page, so pages neither skip nor repeat while rows are added,
 * and page 10,000 costs what page 1 costs. Clients must treat it as opaque.
 */
import { InvalidRequestError } from '../../errors.ts';

export type Page<Item> = { readonly data: readonly Item[]; readonly nextCursor: string | null };

export type PageRequest = { readonly limit: number; readonly cursor: string | undefined };

/** Positions are bigints; a leg only where a page is of ledger entries. */
export type Keyset = { readonly position: bigint; readonly leg: number };

const CURSOR = /^1:([a-z]+):(\d{1,19}):(\d{1,5})$/;
const MAX_POSITION = 2n ** 63n - 1n;

/** The order of a list gives a keyset its meaning: that of another list would lead to some place, but to none meant. */
export type List =
  | 'users'
  | 'assets'
  | 'wallets'
  | 'history'
  | 'lots'
  | 'transactions'
  | 'holds'
  | 'scheduled';

export function encodeCursor(list: List, keyset: Keyset): string {
  return Buffer.from(`1:${list}:${keyset.position}:${keyset.leg}`).toString('base64url');
}

/** Throws InvalidRequestError for anything that encodeCursor does not write for this list. */
export function decodeCursor(list: List, cursor: string): Keyset {
  const match = CURSOR.exec(Buffer.from(cursor, 'base64url').toString('latin1'));
  if (match !== null) {
    const keyset = { position: BigInt(match[2] ?? ''), leg: Number(match[3]) };
    if (keyset.position <= MAX_POSITION && keyset.leg <= 32_767 && encodeCursor(list, keyset) === cursor)
      return keyset;
  }
  throw new InvalidRequestError([{ path: 'cursor', message: 'is not a cursor of this list' }]);
}

/** Cuts the row too many that a query fetched to learn whether there is a next page. */
export function pageOf<Row, Item>(
  rows: readonly Row[],
  limit: number,
  read: { list: List; keyset: (row: Row) => Keyset; item: (row: Row) => Item },
): Page<Item> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const nextCursor =
    rows.length > limit && last !== undefined ? encodeCursor(read.list, read.keyset(last)) : null;
  return { data: shown.map(read.item), nextCursor };
}
