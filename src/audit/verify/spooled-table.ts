/** What a table that is held against heads is made of, and how a row and a head are spelled alike. */
import type { Heads } from '../fold/heads.ts';

/** SQL of a value, by the name that it is spelled with. */
export type Spelling = Readonly<Record<string, string>>;

export type SpooledTable = {
  readonly name: string;
  /** The read model it belongs to; null for a table of the write side, which stands at the head. */
  readonly projection: string | null;
  /**
   * Whether its rows can be held against a chain that did not begin with the log. Sums over all of it cannot, nor rows with the position
   * at which something first appeared.
   */
  readonly sinceAnyStart: boolean;
  /** Whether its keys are ids of wallets. */
  readonly ofWallets: boolean;
  /** Of two columns of text: the key, and all else as it is spelled. */
  readonly query: (ledgerId: number) => string;
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
  ofWallets?: boolean;
  key: string;
  columns: Spelling;
  /** From `from` on. */
  rows: (ledgerId: number) => string;
  heads: (heads: Heads) => ReadonlyMap<string, Head>;
  spell: (head: Head) => string;
}): SpooledTable {
  const { name, projection, sinceAnyStart = true, ofWallets = false } = of;
  return {
    ...{ name, projection, sinceAnyStart, ofWallets },
    query: (ledgerId) => `select (${of.key})::text, ${spelledBy(of.columns)} ${of.rows(ledgerId)}`,
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

/** SQL of `name value` of each, as `spell` has it: for the server it is less work than handing over each value by itself. */
export function spelledBy(columns: Spelling): string {
  return Object.entries(columns)
    .map(([name, sql], index) => `'${index === 0 ? '' : ', '}${name} ' || coalesce((${sql})::text, 'null')`)
    .join(' || ');
}

/** `name value` of each member. */
export function spell(values: Readonly<Record<string, { toString(): string } | null>>): string {
  let text = '';
  for (const name in values) {
    const spelled = `${name} ${values[name]?.toString() ?? 'null'}`;
    text = text === '' ? spelled : `${text}, ${spelled}`;
  }
  return text;
}

/** SQL of a time, as events spell it. */
export function time(sql: string): string {
  return `to_char(${sql}, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
}
