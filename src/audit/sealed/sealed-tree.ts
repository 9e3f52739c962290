/**
 * Reads roots of ranges of the sealed tree. Of large subtrees they come from the stored nodes, within a block of 256 leaves they are
 * hashed again from the events.
 */
import type { PoolClient } from 'pg';
import type { Transaction } from '../../db/transaction.ts';
import { EVENT_COLUMNS, type EventRow } from '../../events/read.ts';
import { LogContradictionError } from './contradiction.ts';
import { copyRows } from '../rows/copy-rows.ts';
import { leavesQuery, positionOf } from '../tree/leaf-rows.ts';
import type { Leaf } from '../tree/leaf.ts';
import { createCompactRange, leafHash, type Subtree } from '../tree/merkle.ts';
import { subtreesOf, type LeafRange, type SubtreeId } from '../tree/proofs.ts';
import { TIER_LEVELS } from '../tree/tree-builder.ts';

export type SealedTree = { readonly ledgerId: number; readonly incarnation: number };

/** For each range its root. Throws a LogContradictionError where a node or an event is missing. */
export async function readRoots(
  tx: PoolClient,
  tree: SealedTree,
  ranges: readonly LeafRange[],
): Promise<Buffer[]> {
  const subtrees = await readSubtrees(tx, tree, ranges.flatMap(subtreesOf));
  let next = 0;
  return ranges.map((range) => {
    const count = subtreesOf(range).length;
    next += count;
    return createCompactRange(subtrees.slice(next - count, next)).root();
  });
}

/** The complete subtrees that cover the first `size` leaves: what a tree is continued from. */
export function readFrontier(tx: PoolClient, tree: SealedTree, size: bigint): Promise<Subtree[]> {
  return readSubtrees(tx, tree, subtreesOf({ start: 0n, end: size }));
}

async function readSubtrees(
  tx: PoolClient,
  tree: SealedTree,
  wanted: readonly SubtreeId[],
): Promise<Subtree[]> {
  const parts = wanted.map(partsOf);
  const nodes = await readNodes(
    tx,
    tree,
    parts.filter(({ level }) => level > 0),
  );
  const leaves = await readLeafHashes(
    tx,
    tree.ledgerId,
    parts.filter(({ level }) => level === 0),
  );
  return wanted.map(({ level }, at) => {
    const part = parts[at] as Parts;
    const range = createCompactRange();
    for (let index = part.start; index < part.end; index += 1n) {
      const hash = part.level === 0 ? leaves.get(index) : nodes.get(`${part.level}/${index}`);
      if (hash === undefined) throw new LogContradictionError(missing(part.level, index));
      range.append({ level: part.level, hash });
    }
    return { level, hash: range.root() };
  });
}

/** Nodes of the stored level below a subtree, or its leaves: start <= index < end. */
type Parts = { readonly level: number } & LeafRange;

function partsOf({ level, index }: SubtreeId): Parts {
  const above = level % TIER_LEVELS;
  return { level: level - above, start: index << BigInt(above), end: (index + 1n) << BigInt(above) };
}

function missing(level: number, index: bigint): string {
  return level === 0
    ? `The event at position ${index + 1n} was sealed and is missing.`
    : `Node ${index} of level ${level} of the sealed tree is missing.`;
}

async function readNodes(
  tx: Transaction,
  { ledgerId, incarnation }: SealedTree,
  parts: readonly Parts[],
): Promise<Map<string, Buffer>> {
  if (parts.length === 0) return new Map();
  const { rows } = await tx.query<{ level: number; index: bigint; hash: Buffer }>({
    name: 'audit-nodes',
    text: `
select n.level, n.index, n.hash
  from unnest($3::smallint[], $4::bigint[], $5::bigint[]) as part (level, start, stop)
 cross join lateral (
        select *
          from audit_nodes
         where ledger_id = $1::integer
           and incarnation = $2::integer
           and level = part.level
           and index >= part.start
           and index < part.stop
       ) n`,
    values: [
      ledgerId,
      incarnation,
      parts.map(({ level }) => level),
      parts.map(({ start }) => start),
      parts.map(({ end }) => end),
    ],
  });
  return new Map(rows.map(({ level, index, hash }) => [`${level}/${index}`, hash]));
}

async function readLeafHashes(
  client: PoolClient,
  ledgerId: number,
  ranges: readonly LeafRange[],
): Promise<Map<bigint, Buffer>> {
  const hashes = new Map<bigint, Buffer>();
  for (const { start, end } of joined(ranges)) {
    await copyRows(client, leavesQuery(ledgerId, start, end), (row) =>
      hashes.set(positionOf(row) - 1n, leafHash(row)),
    );
  }
  return hashes;
}

/** Ranges that touch or overlap as one: what belongs to a block is read by one scan. */
function joined(ranges: readonly LeafRange[]): LeafRange[] {
  const spans: { start: bigint; end: bigint }[] = [];
  for (const { start, end } of ranges.toSorted((left, right) => (left.start < right.start ? -1 : 1))) {
    const last = spans.at(-1);
    if (last === undefined || last.end < start) spans.push({ start, end });
    else if (last.end < end) last.end = end;
  }
  return spans;
}

/** The event at a position, as it is stored; null where there is none. */
export async function readLeaf(tx: Transaction, ledgerId: number, position: bigint): Promise<Leaf | null> {
  const { rows } = await tx.query<EventRow & { effective_at: string | null }>({
    name: 'leaf',
    text: `
select ${EVENT_COLUMNS}, e.effective_at
  from events e
 where e.ledger_id = $1::integer
   and e.position = $2::bigint`,
    values: [ledgerId, position],
  });
  const [row] = rows;
  if (row === undefined) return null;
  return {
    position: row.position,
    id: row.id,
    type: row.type,
    version: row.version,
    idempotencyKey: row.idempotency_key,
    fingerprint: row.fingerprint?.toString('hex') ?? null,
    actor: row.actor,
    correlationId: row.correlation_id,
    relatedId: row.related_id,
    occurredAt: row.occurred_at,
    recordedAt: row.recorded_at,
    effectiveAt: row.effective_at,
    data: row.data,
  };
}
