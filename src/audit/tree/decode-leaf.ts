/** Reads a leaf back into the values of an event: the other half of leaf.ts. */
import { eventSchemas } from '../../events/catalog.ts';
import { POSTGRES_EPOCH_MS, type Leaf } from './leaf.ts';

/** Reads the columns of a row in PostgreSQL's binary format, one after the other. */
export type ColumnReader = {
  readonly int2: () => number;
  readonly int8: () => bigint;
  readonly text: () => string;
  readonly textOrNull: () => string | null;
  readonly uuid: () => string;
  readonly uuidOrNull: () => string | null;
  readonly hexOrNull: () => string | null;
  /** RFC 3339 in UTC with milliseconds. */
  readonly time: () => string;
  readonly timeOrNull: () => string | null;
  /** Passes by as many columns. */
  readonly skip: (columns: number) => void;
};

const UUID_BYTES = 16;
const HEX_DIGITS = Buffer.from('0123456789abcdef');

/** A reader that is pointed at row after row: one for all rows of a stream. */
export function createColumnReader(): ColumnReader & { readonly startAt: (row: Buffer) => void } {
  let bytes: Buffer = Buffer.alloc(0);
  let at = 0;
  const times = createTimeSpeller();
  const uuid = Buffer.from('00000000-0000-0000-0000-000000000000');

  /** Length of the column that starts here, -1 for null; the reader then stands at its first byte. */
  function length(): number {
    const found = bytes.readInt32BE(at);
    at += 4;
    return found;
  }

  function present(): number {
    const found = length();
    if (found < 0) throw new Error('a column that is never null is null');
    return found;
  }

  function textOf(count: number): string {
    at += count;
    return bytes.toString('utf8', at - count, at);
  }

  function hexOf(count: number): string {
    at += count;
    return bytes.toString('hex', at - count, at);
  }

  /** Spelled in place: as hexadecimal to be taken apart and joined by dashes it costs three times as much. */
  function uuidOf(count: number): string {
    if (count !== UUID_BYTES) throw new Error(`a UUID of ${count} bytes`);
    let to = 0;
    for (let index = 0; index < UUID_BYTES; index += 1) {
      if (index === 4 || index === 6 || index === 8 || index === 10) to += 1; // the dashes stand there
      const byte = bytes[at + index] as number;
      uuid[to] = HEX_DIGITS[byte >>> 4] as number;
      uuid[to + 1] = HEX_DIGITS[byte & 0xf] as number;
      to += 2;
    }
    at += UUID_BYTES;
    return uuid.toString('latin1');
  }

  /** Microseconds since 2000 are far from 2^53: a double holds them. */
  function timeOf(): string {
    const micros = bytes.readInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
    at += 8;
    return times(Math.floor(micros / 1_000) + POSTGRES_EPOCH_MS);
  }

  function orNull<Value>(read: (count: number) => Value): Value | null {
    const count = length();
    return count < 0 ? null : read(count);
  }

  return {
    startAt(row) {
      bytes = row;
      at = 2; // behind the number of columns
    },
    int2() {
      present();
      at += 2;
      return bytes.readInt16BE(at - 2);
    },
    int8() {
      present();
      at += 8;
      return bytes.readBigInt64BE(at - 8);
    },
    text: () => textOf(present()),
    textOrNull: () => orNull(textOf),
    uuid: () => uuidOf(present()),
    uuidOrNull: () => orNull(uuidOf),
    hexOrNull: () => orNull(hexOf),
    time() {
      present();
      return timeOf();
    },
    timeOrNull: () => orNull(timeOf),
    skip(columns) {
      for (let column = 0; column < columns; column += 1) {
        const found = length();
        at += Math.max(0, found);
      }
    },
  };
}

const MINUTE_MS = 60_000;
const UP_TO_MINUTES = '2026-01-01T00:00:'.length;

/**
 * RFC 3339 of milliseconds since 1970. Times of a log stand close together: the last two are used again, since an event has two, and up to the
 * minute any other.
 */
function createTimeSpeller(): (ms: number) => string {
  let minute = Number.NaN;
  let prefix = '';
  let [last, last2] = [
    { ms: Number.NaN, text: '' },
    { ms: Number.NaN, text: '' },
  ];
  return (ms) => {
    if (ms === last.ms) return last.text;
    [last, last2] = [last2, last];
    if (ms !== last.ms) {
      last.ms = ms;
      last.text = spell(ms);
    }
    return last.text;
  };

  function spell(ms: number): string {
    const of = Math.floor(ms / MINUTE_MS);
    if (of !== minute) {
      const date = new Date(ms);
      // 'infinity', or a time that only a forger can have written.
      if (Number.isNaN(date.getTime())) return `${ms} ms`;
      minute = of;
      prefix = date.toISOString().slice(0, UP_TO_MINUTES);
    }
    const rest = ms - of * MINUTE_MS;
    const seconds = Math.floor(rest / 1_000);
    return `${prefix}${seconds < 10 ? '0' : ''}${seconds}.${(rest - seconds * 1_000).toString().padStart(3, '0')}Z`;
  }
}

/** The event of a leaf that the reader was pointed at. Throws for bytes that are no leaf. */
export function decodeLeaf(row: ColumnReader): Leaf {
  return {
    position: row.int8(),
    id: row.uuid(),
    type: row.text(),
    version: row.int2(),
    idempotencyKey: row.textOrNull(),
    fingerprint: row.hexOrNull(),
    actor: row.text(),
    correlationId: row.textOrNull(),
    relatedId: row.uuidOrNull(),
    occurredAt: row.time(),
    recordedAt: row.time(),
    effectiveAt: row.timeOrNull(),
    data: row.text(),
  };
}

/** What a fold needs to know of an event. */
export type LoggedEvent = Pick<
  Leaf,
  'position' | 'id' | 'type' | 'version' | 'idempotencyKey' | 'occurredAt' | 'recordedAt' | 'data'
>;

/** Most events are of the first two. */
const types = [...new Set<string>(['transaction.posted', 'hold.placed', ...Object.keys(eventSchemas)])];

/** The one string of the program for a type of event: it is compared with many others, which then is to look at where it lies. */
export function sameType(type: string): string {
  for (const known of types) if (known === type) return known;
  return type;
}

/** As decodeLeaf, without what only the leaf hash needs. */
export function decodeLogged(row: ColumnReader): LoggedEvent {
  const position = row.int8();
  const id = row.uuid();
  const type = sameType(row.text());
  const version = row.int2();
  const idempotencyKey = row.textOrNull();
  row.skip(4);
  const occurredAt = row.time();
  const recordedAt = row.time();
  row.skip(1);
  return { position, id, type, version, idempotencyKey, occurredAt, recordedAt, data: row.text() };
}
