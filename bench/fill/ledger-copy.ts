// Writes a history into the tables of an empty ledger, all of it in one transaction that holds the ledger's head row:
// nobody else can write meanwhile, and a run that is cut short leaves nothing behind. Constraints and triggers are on.

import { finished } from 'node:stream/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { upcast } from '../../src/events/upcast.ts';
import { canonicalJson } from '../../src/events/canonical.ts';
import {
  assetLine,
  COPIED,
  entryLines,
  eventLine,
  holdLine,
  keyLine,
  personalLine,
  userLine,
  walletLine,
  type CopiedTable,
} from './copy-text.ts';
import type { History, WrittenEvent } from './history.ts';

/** Events of a chunk: the guard over the entries takes each COPY whole, so it bounds what PostgreSQL keeps in memory. */
const CHUNK_EVENTS = 10_000;
/** Events made at a stretch, between which what is ready is sent: PostgreSQL works meanwhile. */
const STRETCH_EVENTS = 200;
/** Every so manieth event is held to its schema. */
const CHECKED_EVERY = 500;

type Lines = Partial<Record<CopiedTable, string>>;
/** Lines of a chunk, piece by piece. */
type Chunk = Partial<Record<CopiedTable, Buffer[]>>;

type Tally = {
  head: { position: number; recordedAt: string } | undefined;
  policyChanges: number;
  readonly openedAt: Map<string, string>;
  readonly createdAt: Map<string, string>;
};

export type LedgerCopy = {
  readonly client: Client;
  readonly ledgerId: number;
  readonly history: History;
  readonly onProgress: (events: number) => void;
};

/** The client is in a transaction that holds the head row of the ledger, which is empty. */
export async function copyLedger(copy: LedgerCopy): Promise<void> {
  const tally: Tally = { head: undefined, policyChanges: 0, openedAt: new Map(), createdAt: new Map() };
  // While PostgreSQL takes one chunk, the next one is made.
  let sending: Promise<void> = Promise.resolve();
  for (;;) {
    const making = makeChunk(copy, tally);
    const [chunk] = await Promise.all([making, sending]);
    if (chunk === undefined) break;
    sending = sendChunk(copy.client, chunk);
    if (tally.head !== undefined) copy.onProgress(tally.head.position);
  }
  await sendChunk(copy.client, headLines(copy, tally));
  await moveHead(copy, tally);
}

async function makeChunk({ ledgerId, history }: LedgerCopy, tally: Tally): Promise<Chunk | undefined> {
  const chunk: Chunk = {};
  for (let count = 0; count < CHUNK_EVENTS;) {
    const stretch: WrittenEvent[] = [];
    while (stretch.length < STRETCH_EVENTS) {
      const command = history.next();
      if (command.length === 0) break;
      stretch.push(...command);
    }
    if (stretch.length === 0) break;
    for (const written of stretch) note(tally, written);
    // As bytes they weigh nothing on the garbage collector.
    for (const [table, text] of Object.entries(linesOf(ledgerId, stretch)))
      if (text !== '') (chunk[table as CopiedTable] ??= []).push(Buffer.from(text));
    count += stretch.length;
    await nextTurn();
  }
  return Object.keys(chunk).length === 0 ? undefined : chunk;
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

/** Heads as everything left them. Holds that were closed have been written. */
function headLines({ ledgerId, history }: LedgerCopy, { openedAt, createdAt }: Tally): Chunk {
  const { users, assets, wallets, holds } = history.state;
  const open = [...holds.values()].filter(({ status }) => status === 'open');
  return {
    users: pieces([...users.values()], (user) => userLine(ledgerId, user)),
    assets: pieces([...assets.values()], (asset) => assetLine(ledgerId, asset, createdAt.get(asset.slug)!)),
    wallets: pieces([...wallets.values()], (wallet) =>
      walletLine(ledgerId, wallet, openedAt.get(wallet.id)!),
    ),
    holds: pieces(open, (hold) => holdLine(ledgerId, hold)),
  };
}

function pieces<Row>(rows: readonly Row[], line: (row: Row) => string): Buffer[] {
  const cut: Buffer[] = [];
  for (let from = 0; from < rows.length; from += STRETCH_EVENTS) {
    cut.push(
      Buffer.from(
        rows
          .slice(from, from + STRETCH_EVENTS)
          .map(line)
          .join(''),
      ),
    );
  }
  return cut;
}

async function sendChunk(client: Client, chunk: Chunk): Promise<void> {
  for (const [table, pieces] of Object.entries(chunk)) {
    const statement = `copy ${table} (${COPIED[table as CopiedTable]}) from stdin`;
    const stream = client.query(copyFrom(statement));
    // Whole, so that the kernel always has something to send while the next chunk is made.
    stream.end(Buffer.concat(pieces));
    await finished(stream);
  }
}

async function moveHead({ client, ledgerId }: LedgerCopy, { head, policyChanges }: Tally): Promise<void> {
  await client.query({
    text: `
update ledgers
   set head_position = $2::bigint,
       head_recorded_at = $3::timestamptz,
       policy_version = policy_version + $4::bigint
 where id = $1::integer`,
    values: [ledgerId, head?.position ?? 0, head?.recordedAt ?? null, policyChanges],
  });
}
