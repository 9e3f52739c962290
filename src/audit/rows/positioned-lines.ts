/** Rows that belong to events, as lines of text in the order of their positions. */
import type { PoolClient } from 'pg';
import { copyLines } from './copy-rows.ts';

export type PositionedLines = {
  /**
   * Takes in the rows of a query, which orders them by its first column, the position; those of the query before are gone. Rejects with the
   * database's error.
   */
  readonly read: (client: PoolClient, query: string) => Promise<void>;
  /** The lines of the event at a position, which must not be before that of the call before. */
  readonly of: (position: bigint) => readonly string[];
  /** Lines at positions that nobody asked for; in the end. */
  readonly orphans: () => readonly PositionedLine[];
};

export type PositionedLine = { readonly position: bigint; readonly line: string };

const FIRST_BYTES = 65_536;
const [TAB, NEWLINE, ZERO] = [0x09, 0x0a, 0x30];

/** The bytes of all queries go into one buffer: as a text for each, which is a large one, they would stay until all memory is looked through. */
export function createPositionedLines(): PositionedLines {
  let bytes = Buffer.alloc(FIRST_BYTES);
  let [at, limit] = [0, 0];
  let orphans: PositionedLine[] = [];

  function append(line: Buffer): void {
    if (limit + line.length > bytes.length) {
      const wider = Buffer.alloc(2 * (limit + line.length));
      bytes.copy(wider, 0, 0, limit);
      bytes = wider;
    }
    bytes.set(line, limit);
    limit += line.length;
  }

  function standsAt(digits: string): boolean {
    const { length } = digits;
    if (at + length >= limit || bytes[at + length] !== TAB) return false;
    for (let index = length - 1; index >= 0; index -= 1)
      if (bytes[at + index] !== digits.charCodeAt(index)) return false;
    return true;
  }

  function takePosition(): bigint {
    let position = 0n;
    for (; bytes[at] !== TAB; at += 1) position = position * 10n + BigInt((bytes[at] ?? 0) - ZERO);
    return position;
  }

  /** From the tab behind its position on. */
  function takeLine(): string {
    const end = bytes.indexOf(NEWLINE, at);
    const line = bytes.toString('utf8', at + 1, end);
    at = end + 1;
    return line;
  }

  /** What stands before the position wanted belongs to nobody. */
  function passBy(wanted: bigint): void {
    while (at < limit) {
      const start = at;
      const position = takePosition();
      if (position >= wanted) {
        at = start;
        return;
      }
      orphans.push({ position, line: takeLine() });
    }
  }

  return {
    read(client, query) {
      [at, limit, orphans] = [0, 0, []];
      return copyLines(client, query, append);
    },
    of(position) {
      const digits = position.toString();
      if (!standsAt(digits)) passBy(position);
      const lines: string[] = [];
      while (standsAt(digits)) {
        at += digits.length;
        lines.push(takeLine());
      }
      return lines;
    },
    orphans() {
      while (at < limit) orphans.push({ position: takePosition(), line: takeLine() });
      return orphans;
    },
  };
}

const ESCAPES: Readonly<Record<string, string>> = {
  ...{ '\\': '\\\\', '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\v': '\\v' },
};

/** A value as COPY writes it. */
export function copyText(value: string | null): string {
  if (value === null) return '\\N';
  return /[\\\b\f\n\r\t\v]/.test(value)
    ? value.replaceAll(/[\\\b\f\n\r\t\v]/g, (found) => ESCAPES[found] ?? found)
    : value;
}
