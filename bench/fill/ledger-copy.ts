// Writes a history into the tables of an empty ledger, all of it in one transaction that holds the ledger's head row:
// nobody else can write meanwhile, and a run that is cut short leaves nothing behind. Constraints and triggers are on.

import { finished } from 'node:stream/promises';
import type { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { chunksOf } from './chunk-source.ts';
import type { Chunk, MadeChunk } from './chunks.ts';
import { COPIED, type CopiedTable } from './copy-text.ts';
import type { HistoryOptions } from './history.ts';

export type LedgerCopy = {
  readonly client: Client;
  readonly ledgerId: number;
  readonly history: HistoryOptions;
  readonly onProgress: (events: number) => void;
};

/** The client is in a transaction that holds the head row of the ledger, which is empty. */
export async function copyLedger({ client, ledgerId, history, onProgress }: LedgerCopy): Promise<void> {
  let last: MadeChunk | undefined;
  for await (const made of chunksOf({ ledgerId, history })) {
    await sendChunk(client, made.chunk);
    last = made;
    onProgress(made.head.position);
  }
  if (last?.head.position !== history.events)
    throw new Error(`the history ended at ${last?.head.position}, not at ${history.events}`);
  await moveHead(client, ledgerId, last);
}

async function sendChunk(client: Client, chunk: Chunk): Promise<void> {
  for (const [table, bytes] of Object.entries(chunk)) {
    const statement = `copy ${table} (${COPIED[table as CopiedTable]}) from stdin`;
    const stream = client.query(copyFrom(statement));
    stream.end(Buffer.from(bytes.buffer));
    await finished(stream);
  }
}

async function moveHead(client: Client, ledgerId: number, { head, policyChanges }: MadeChunk): Promise<void> {
  await client.query({
    text: `
update ledgers
   set head_position = $2::bigint,
       head_recorded_at = $3::timestamptz,
       policy_version = policy_version + $4::bigint
 where id = $1::integer`,
    values: [ledgerId, head.position, head.recordedAt, policyChanges],
  });
}
