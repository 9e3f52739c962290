// A history as lines of COPY, chunk by chunk, and at its end the heads that everything left. Nothing here touches a database.

import { upcast } from '../../src/events/upcast.ts';
import { canonicalJson } from '../../src/events/canonical.ts';
import {
  assetLine,
  entryLines,
  eventLine,
  holdLine,
  keyLine,
  personalLine,
  userLine,
  walletLine,
  type CopiedTable,
} from './copy-text.ts';
import { createHistory, type History, type HistoryOptions, type WrittenEvent } from './history.ts';

/** Events of a chunk: the guard over the entries takes each COPY whole, so it bounds what PostgreSQL keeps in memory. */
const CHUNK_EVENTS = 10_000;
/** Events whose lines are made at a stretch. As bytes they weigh nothing on the garbage collector. */
const STRETCH_EVENTS = 200;
/** Every so manieth event is held to its schema. */
const CHECKED_EVERY = 500;

/** Lines by table, in the order in which they are to be written. */
export type Chunk = Partial<Record<CopiedTable, Uint8Array<ArrayBuffer>>>;

export type Head = { readonly position: number; readonly recordedAt: string };

export type MadeChunk = {
  readonly chunk: Chunk;
  /** As it is after this chunk. */
  readonly head: Head;
  readonly policyChanges: number;
};

type Lines = Partial<Record<CopiedTable, string>>;
type Pieces = Map<CopiedTable, Buffer[]>;

type Tally = {
  head: Head | undefined;
  policyChanges: number;
  readonly openedAt: Map<string, string>;
  readonly createdAt: Map<string, string>;
};

/** The last chunk holds the heads of users, assets, wallets and holds. */
export function* makeChunks(ledgerId: number, options: HistoryOptions): Generator<MadeChunk> {
  const history = createHistory(options);
  const tally: Tally = { head: undefined, policyChanges: 0, openedAt: new Map(), createdAt: new Map() };
  const made = (pieces: Pieces): MadeChunk => {
    if (tally.head === undefined) throw new Error('a history has at least one event');
    return { chunk: joined(pieces), head: tally.head, policyChanges: tally.policyChanges };
  };
  for (let pieces = nextPieces(ledgerId, history, tally); pieces.size > 0;) {
    yield made(pieces);
    pieces = nextPieces(ledgerId, history, tally);
  }
  yield made(headPieces(ledgerId, history, tally));
}

function nextPieces(ledgerId: number, history: History, tally: Tally): Pieces {
  const pieces: Pieces = new Map();
  for (let count = 0; count < CHUNK_EVENTS;) {
    const stretch: WrittenEvent[] = [];
    while (stretch.length < STRETCH_EVENTS) {
      const command = history.next();
      if (command.length === 0) break;
      stretch.push(...command);
    }
    if (stretch.length === 0) break;
    for (const written of stretch) note(tally, written);
    for (const [table, text] of Object.entries(linesOf(ledgerId, stretch))) {
      if (text === '') continue;
      const others = pieces.get(table as CopiedTable);
      if (others === undefined) pieces.set(table as CopiedTable, [Buffer.from(text)]);
      else others.push(Buffer.from(text));
    }
    count += stretch.length;
  }
  return pieces;
}

function linesOf(ledgerId: number, stretch: readonly WrittenEvent[]): Lines {
  const lines = { events: '', ledger_entries: '', idempotency_keys: '', personal: '', holds: '' };
  for (const written of stretch) {
    const { personal, data } = written.event;
    lines.events += eventLine(ledgerId, written);
    lines.ledger_entries += entryLines(ledgerId, written);
    lines.idempotency_keys += keyLine(ledgerId, written);
    for (const value of personal) lines.personal += personalLine(ledgerId, value);
    if ('hold' in data && data.hold.status !== 'open') lines.holds += holdLine(ledgerId, data.hold);
  }
  return lines;
}

function note(tally: Tally, { event, position, occurredAt, recordedAt }: WrittenEvent): void {
  tally.head = { position, recordedAt };
  if (event.type.endsWith('.status_changed')) tally.policyChanges += 1;
  if (event.type === 'wallet.opened') tally.openedAt.set(event.data.walletId, occurredAt);
  if (event.type === 'asset.created') tally.createdAt.set(event.data.slug, occurredAt);
  if (position % CHECKED_EVERY === 1)
    upcast({ ...event, data: JSON.parse(canonicalJson(event.data)) as unknown });
}

/** Holds that were closed have been written. */
function headPieces(ledgerId: number, { state }: History, { openedAt, createdAt }: Tally): Pieces {
  const { users, assets, wallets, holds } = state;
  const open = [...holds.values()].filter(({ status }) => status === 'open');
  return new Map<CopiedTable, Buffer[]>([
    ['users', cut([...users.values()], (user) => userLine(ledgerId, user))],
    ['assets', cut([...assets.values()], (asset) => assetLine(ledgerId, asset, createdAt.get(asset.slug)!))],
    [
      'wallets',
      cut([...wallets.values()], (wallet) => walletLine(ledgerId, wallet, openedAt.get(wallet.id)!)),
    ],
    ['holds', cut(open, (hold) => holdLine(ledgerId, hold))],
  ]);
}

function cut<Row>(rows: readonly Row[], line: (row: Row) => string): Buffer[] {
  const pieces: Buffer[] = [];
  for (let from = 0; from < rows.length; from += STRETCH_EVENTS)
    pieces.push(
      Buffer.from(
        rows
          .slice(from, from + STRETCH_EVENTS)
          .map(line)
          .join(''),
      ),
    );
  return pieces;
}

/** In memory of their own, which can be handed to another thread as it is. */
function joined(pieces: Pieces): Chunk {
  const chunk: Chunk = {};
  for (const [table, parts] of pieces) {
    const bytes = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    chunk[table] = bytes;
  }
  return chunk;
}
