/** Reads ranges of the log as rows in PostgreSQL's binary format: events as leaves, and the entries that belong to them. */
import type { PoolClient } from 'pg';
import { copyRows } from './copy-rows.ts';
import { createColumnReader, decodeLeaf, decodeLogged, type LoggedEvent } from '../tree/decode-leaf.ts';
import type { Leaf } from '../tree/leaf.ts';
import { leavesQuery } from '../tree/leaf-rows.ts';
import { leafHash, passingLeafHash } from '../tree/merkle.ts';
import type { PositionRange } from '../fold/range-summary.ts';

/** Calls `onEvent` with each event of the range, in order, as far as a fold needs to know it. Its hash is only good during the call. */
export function readLogged(
  client: PoolClient,
  ledgerId: number,
  { from, to }: PositionRange,
  onEvent: (event: LoggedEvent, hash: Buffer) => void,
): Promise<void> {
  const columns = createColumnReader();
  return copyRows(client, leavesQuery(ledgerId, from, to), (row) => {
    columns.startAt(row);
    onEvent(decodeLogged(columns), passingLeafHash(row));
  });
}

/** As readLogged, with all that an event has. */
export function readLeaves(
  client: PoolClient,
  ledgerId: number,
  { from, to }: PositionRange,
  onEvent: (leaf: Leaf, hash: Buffer) => void,
): Promise<void> {
  const columns = createColumnReader();
  return copyRows(client, leavesQuery(ledgerId, from, to), (row) => {
    columns.startAt(row);
    onEvent(decodeLeaf(columns), leafHash(row));
  });
}

/** The range of a table aliased `of`, in the order of its positions. */
export function where(of: string, ledgerId: number, { from, to }: PositionRange): string {
  return `where ${of}.ledger_id = ${ledgerId} and ${of}.position > ${from} and ${of}.position <= ${to} order by ${of}.position`;
}
