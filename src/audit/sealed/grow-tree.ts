/** Adds events to the sealed tree, and writes down what was made of it: nodes and checkpoint. */
import type { PoolClient } from 'pg';
import type { Transaction } from '../../db/transaction.ts';
import { copyRows } from '../rows/copy-rows.ts';
import { leavesQuery, positionOf } from '../tree/leaf-rows.ts';
import { leafHash } from '../tree/merkle.ts';
import { createTreeBuilder, type StoredNode } from '../tree/tree-builder.ts';
import { readLastCheckpoint } from './checkpoint-log.ts';
import type { Checkpoint } from './checkpoint.ts';
import { LogContradictionError } from './contradiction.ts';
import { readFrontier, type SealedTree } from './sealed-tree.ts';

/** Events of one statement at most: half a second of work. */
export const MAX_EVENTS = 65_536n;

export type Grown = { readonly nodes: readonly StoredNode[]; readonly root: Buffer };

/**
 * The tree of `to` events, from that of `from`, which has to have the root that was sealed. Rejects with a LogContradictionError
 * otherwise, and where an event is missing.
 */
export async function growTree(tx: PoolClient, tree: SealedTree, from: bigint, to: bigint): Promise<Grown> {
  const nodes: StoredNode[] = [];
  const builder = createTreeBuilder(await readFrontier(tx, tree, from), (node) => nodes.push(node));
  const last = await readLastCheckpoint(tx, tree.ledgerId, tree.incarnation);
  if (last !== null && !builder.root().equals(last.rootHash)) {
    throw new LogContradictionError(
      `The first ${from} events and the nodes of their tree do not have the root that was sealed: the log was changed.`,
    );
  }
  for (let at = from; at < to; at += MAX_EVENTS) {
    const end = at + MAX_EVENTS < to ? at + MAX_EVENTS : to;
    await copyRows(tx, leavesQuery(tree.ledgerId, at, end), (row) => {
      if (positionOf(row) !== builder.size() + 1n) throw missing(builder.size() + 1n);
      builder.append(leafHash(row));
    });
    if (builder.size() !== end) throw missing(builder.size() + 1n);
  }
  return { nodes, root: builder.root() };
}

function missing(position: bigint): Error {
  return new LogContradictionError(`The event at position ${position} is missing.`);
}

/** The checkpoint, signed in a note, and the nodes that came with it. */
export async function insertSealed(
  tx: Transaction,
  tree: SealedTree,
  { nodes }: Grown,
  signed: { checkpoint: Checkpoint; note: string },
): Promise<void> {
  await insertNodes(tx, tree, nodes);
  const { origin, size, root } = signed.checkpoint;
  // The one before lasts where it is the first or the last of its key, or the last of its hour: see migrations/0013.
  await tx.query({
    name: 'insert-checkpoint',
    text: `
insert into audit_checkpoints (ledger_id, incarnation, tree_size, origin, root_hash, note, sealed_at, previous_size, lasting_size)
select $1::integer, $2::integer, $3::bigint, $4::text, $5::bytea, $6::text, clock.now,
       coalesce(last.tree_size, 0),
       case when last.tree_size is null then 0
            when last.previous_size = 0
              or checkpoint_signer(last.note) <> checkpoint_signer(before.note)
              or checkpoint_signer(last.note) <> checkpoint_signer($6::text)
              or date_trunc('hour', last.sealed_at, 'UTC') <> date_trunc('hour', clock.now, 'UTC') then last.tree_size
            else last.lasting_size
       end
  from (select clock_timestamp() as now) clock
  left join lateral (
        select c.tree_size, c.note, c.sealed_at, c.previous_size, c.lasting_size
          from audit_checkpoints c
         where c.ledger_id = $1::integer
           and c.incarnation = $2::integer
         order by c.tree_size desc
         limit 1
       ) last on true
  left join audit_checkpoints before
    on before.ledger_id = $1::integer
   and before.incarnation = $2::integer
   and before.tree_size = last.previous_size`,
    values: [tree.ledgerId, tree.incarnation, size, origin, root, signed.note],
  });
}

async function insertNodes(tx: Transaction, tree: SealedTree, nodes: readonly StoredNode[]): Promise<void> {
  if (nodes.length === 0) return;
  await tx.query({
    name: 'insert-audit-nodes',
    text: `
insert into audit_nodes (ledger_id, incarnation, level, index, hash)
select $1::integer, $2::integer, node.level, node.index, node.hash
  from unnest($3::smallint[], $4::bigint[], $5::bytea[]) as node (level, index, hash)`,
    values: [
      tree.ledgerId,
      tree.incarnation,
      nodes.map(({ level }) => level),
      nodes.map(({ index }) => index),
      nodes.map(({ hash }) => hash),
    ],
  });
}
