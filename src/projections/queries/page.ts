/**
 * Keyset pages: a cursor names the last row of a page, so pages neither skip nor repeat while rows are added,
 * and page 10,000 costs what page 1 costs. Clients must treat it as opaque.
 */
import { InvalidRequestError } from '../../errors.ts';

export type Page<Item> = { readonly data: readonly Item[]; readonly nextCursor: string | null };

export type PageRequest = { readonly limit: number; readonly cursor: string | undefined };

/** Positions are bigints; a leg only where a page is of ledger entries. */
export type Keyset = { readonly position: bigint; readonly leg: number };

const CURSOR = /^1:(\d{1,19}):(\d{1,5})$/;
const MAX_POSITION = 2n ** 63n - 1n;

export function encodeCursor(keyset: Keyset): string {
  return Buffer.from(`1:${keyset.position}:${keyset.leg}`).toString('base64url');
}

/** Throws InvalidRequestError for anything that encodeCursor does not write. */
export function decodeCursor(cursor: string): Keyset {
  const match = CURSOR.exec(Buffer.from(cursor, 'base64url').toString('latin1'));
  if (match !== null) {
    const keyset = { position: BigInt(match[1] ?? ''), leg: Number(match[2]) };
    if (keyset.position <= MAX_POSITION && keyset.leg <= 32_767 && encodeCursor(keyset) === cursor)
      return keyset;
  }
  throw new InvalidRequestError([{ path: 'cursor', message: 'is not a cursor of this list' }]);
}

/** Cuts the row too many that a query fetched to learn whether there is a next page. */
export function pageOf<Row, Item>(
  rows: readonly Row[],
  limit: number,
  read: { keyset: (row: Row) => Keyset; item: (row: Row) => Item },
): Page<Item> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const nextCursor = rows.length > limit && last !== undefined ? encodeCursor(read.keyset(last)) : null;
  return { data: shown.map(read.item), nextCursor };
}
