/** Rows that belong to events, as lines of text in the order of their positions. */
import type { PoolClient } from 'pg';
import { copyStream } from './copy-rows.ts';

export type PositionedLines = {
  /** The lines of the event at a position, which must not be before that of the call before. */
  readonly of: (position: bigint) => readonly string[];
  /** Lines at positions that nobody asked for; in the end. */
  readonly orphans: () => readonly PositionedLine[];
};

export type PositionedLine = { readonly position: bigint; readonly line: string };

/** `query` orders its rows by their first column, the position. */
export async function readPositionedLines(client: PoolClient, query: string): Promise<PositionedLines> {
  const chunks: Buffer[] = [];
  for await (const chunk of copyStream(client, query, 'text')) chunks.push(chunk);
  return positionedLines(Buffer.concat(chunks).toString('utf8'));
}

export const NO_LINES: PositionedLines = { of: () => [], orphans: () => [] };

/** `text`: lines as COPY writes them. */
export function positionedLines(text: string): PositionedLines {
  let at = 0;
  const orphans: PositionedLine[] = [];

  function nextPosition(): string {
    return text.slice(at, text.indexOf('\t', at));
  }

  function takeLine(): string {
    const start = text.indexOf('\t', at) + 1;
    const end = text.indexOf('\n', start);
    at = end + 1;
    return text.slice(start, end);
  }

  /** What stands before the position wanted belongs to nobody. */
  function passBy(position: bigint): void {
    for (; at < text.length; takeLine()) {
      const found = BigInt(nextPosition());
      if (found >= position) return;
      orphans.push({ position: found, line: text.slice(text.indexOf('\t', at) + 1, text.indexOf('\n', at)) });
    }
  }

  return {
    of(position) {
      const wanted = `${position}\t`;
      if (!text.startsWith(wanted, at)) passBy(position);
      const lines: string[] = [];
      while (text.startsWith(wanted, at)) lines.push(takeLine());
      return lines;
    },
    orphans() {
      while (at < text.length) orphans.push({ position: BigInt(nextPosition()), line: takeLine() });
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
