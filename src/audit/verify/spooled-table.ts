/** What a table that is held against heads is made of, and how a row and a head are spelled alike. */
import type { Heads } from '../fold/heads.ts';
import type { ColumnReader } from '../tree/decode-leaf.ts';

export type Spelled = { readonly key: string; readonly walletId: string | null; readonly text: string };

export type SpooledTable = {
  readonly name: string;
  /** The read model it belongs to; null for a table of the write side, which stands at the head. */
  readonly projection: string | null;
  /**
   * Whether its rows can be held against a chain that did not begin with the log. Sums over all of it cannot, nor rows with the position
   * at which something first appeared.
   */
  readonly sinceAnyStart: boolean;
  readonly query: (ledgerId: number) => string;
  readonly row: (row: ColumnReader) => Spelled;
  /** What the log says there should be. */
  readonly expected: (heads: Heads) => {
    find: (key: string) => string | undefined;
    keys: () => Iterable<string>;
  };
};

export function table<Head>(of: {
  name: string;
  projection: string | null;
  sinceAnyStart?: boolean;
  query: (ledgerId: number) => string;
  row: (row: ColumnReader) => Spelled;
  heads: (heads: Heads) => ReadonlyMap<string, Head>;
  spell: (head: Head) => string;
}): SpooledTable {
  return {
    sinceAnyStart: true,
    ...of,
    expected: (heads) => {
      const all = of.heads(heads);
      return {
        keys: () => all.keys(),
        find: (key) => {
          const head = all.get(key);
          return head === undefined ? undefined : of.spell(head);
        },
      };
    },
  };
}

/** A row keyed by its first column, a UUID; the others are spelled as they come. */
export function byId(row: ColumnReader, walletId: boolean, names: readonly string[]): Spelled {
  const key = row.uuid();
  let text = '';
  for (const name of names) text = spelled(text, name, row.textOrNull());
  return { key, walletId: walletId ? key : null, text };
}

/** `name value` of each member, as byId spells a row. */
export function spell(values: Readonly<Record<string, { toString(): string } | null>>): string {
  let text = '';
  for (const name in values) text = spelled(text, name, values[name]?.toString() ?? null);
  return text;
}

function spelled(text: string, name: string, value: string | null): string {
  return text === '' ? `${name} ${value ?? 'null'}` : `${text}, ${name} ${value ?? 'null'}`;
}

export const ISO = `'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'`;
