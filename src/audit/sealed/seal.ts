/**
 * Seals events: adds them to the tree and signs a checkpoint. Nodes and checkpoint are written in one transaction, so it can break
 * off anywhere. Before it signs it looks whether the tree still is the one that was signed before: it never signs a fork.
 */
import type { Pool, PoolClient } from 'pg';
import type { Logger } from 'pino';
import { inTransaction } from '../../db/pool.ts';
import type { Transaction } from '../../db/transaction.ts';
import { readLastCheckpoint, readPublicKeys, readSealedState, type Incarnation } from './checkpoint-log.ts';
import { openCheckpoint, signCheckpoint, successionLine, type Checkpoint } from './checkpoint.ts';
import { LogContradictionError } from './contradiction.ts';
import { copyRows } from '../rows/copy-rows.ts';
import { lockSealing, NotOurKeyError, readSigner, tryLockSealing } from './incarnations.ts';
import { readLastSigned } from './last-signed.ts';
import { leavesQuery, positionOf } from '../tree/leaf-rows.ts';
import { leafHash } from '../tree/merkle.ts';
import { readFrontier, type SealedTree } from './sealed-tree.ts';
import { createTreeBuilder, type StoredNode } from '../tree/tree-builder.ts';

/** Events of one checkpoint at most: half a second of work. */
const MAX_EVENTS = 65_536n;

export type Sealing = { readonly ledgerId: number; readonly keyFile: string };

export type Sealed = {
  readonly note: string;
  /** Something was left for the next checkpoint. */
  readonly more: boolean;
};

/** Before anything is to be sealed: the first process makes the key. Rejects with a KeyFileError where the file cannot be used. */
export async function prepareSealing(pool: Pool, { ledgerId, keyFile }: Sealing, log: Logger): Promise<void> {
  try {
    await inTransaction(pool, async (tx) => {
      await lockSealing(tx, ledgerId);
      await readSigner(tx, ledgerId, keyFile);
    });
  } catch (error) {
    if (!(error instanceof NotOurKeyError)) throw error;
    log.warn({ reason: error.message }, 'the log is not sealed by this process');
  }
}

/**
 * One checkpoint over what is committed. Null when there is nothing new, or when another process is at it. Rejects with a
 * LogContradictionError where the log is not the one that was sealed.
 */
export function seal(pool: Pool, sealing: Sealing): Promise<Sealed | null> {
  return inTransaction(pool, (tx) => sealIn(tx, sealing));
}

async function sealIn(tx: PoolClient, { ledgerId, keyFile }: Sealing): Promise<Sealed | null> {
  if (!(await tryLockSealing(tx, ledgerId))) return null;
  const { head, sealed } = await readSealedState(tx, ledgerId);
  if (head === sealed) return null;
  if (head < sealed) {
    throw new LogContradictionError(`${sealed} events were sealed, and the log has ${head}.`);
  }
  const { incarnation, key } = await readSigner(tx, ledgerId, keyFile);
  await refuseOlderState(tx, { ledgerId, keyFile, incarnation, sealed });
  const tree = { ledgerId, incarnation: incarnation.number };
  const size = head - sealed > MAX_EVENTS ? sealed + MAX_EVENTS : head;
  const { nodes, root } = await grow(tx, tree, sealed, size);
  const { origin } = incarnation;
  const extensions = await extensionsOf(tx, ledgerId, incarnation);
  const note = signCheckpoint({ origin, size, root, extensions }, key.privateKey);
  await insertNodes(tx, tree, nodes);
  await insertCheckpoint(tx, tree, { origin, size, root, extensions }, note);
  return { note, more: size < head };
}

/** A database from an older backup does not know what was signed since, but the file beside the key does. */
async function refuseOlderState(
  tx: Transaction,
  of: { ledgerId: number; keyFile: string; incarnation: Incarnation; sealed: bigint },
): Promise<void> {
  const last = await readLastSigned(of.keyFile, await readPublicKeys(tx, of.ledgerId));
  if (last === null || last.origin !== of.incarnation.origin || last.size <= of.sealed) return;
  throw new LogContradictionError(
    `A checkpoint of ${last.size} events was signed here, and the database knows of ${of.sealed}: it is from an older backup. ` +
      'Run `coffer audit new-incarnation`.',
  );
}

async function grow(
  tx: PoolClient,
  tree: SealedTree,
  from: bigint,
  to: bigint,
): Promise<{ nodes: StoredNode[]; root: Buffer }> {
  const nodes: StoredNode[] = [];
  const builder = createTreeBuilder(await readFrontier(tx, tree, from), (node) => nodes.push(node));
  const last = await readLastCheckpoint(tx, tree.ledgerId, tree.incarnation);
  if (last !== null && !builder.root().equals(last.rootHash)) {
    throw new LogContradictionError(
      `The first ${from} events and the nodes of their tree do not have the root that was sealed: the log was changed.`,
    );
  }
  await copyRows(tx, leavesQuery(tree.ledgerId, from, to), (row) => {
    if (positionOf(row) !== builder.size() + 1n) throw missing(builder.size() + 1n);
    builder.append(leafHash(row));
  });
  if (builder.size() !== to) throw missing(builder.size() + 1n);
  return { nodes, root: builder.root() };
}

function missing(position: bigint): Error {
  return new LogContradictionError(`The event at position ${position} is missing.`);
}

async function extensionsOf(tx: Transaction, ledgerId: number, { succeeds }: Incarnation): Promise<string[]> {
  if (succeeds === null) return [];
  return [successionLine(openCheckpoint(succeeds, await readPublicKeys(tx, ledgerId)))];
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

async function insertCheckpoint(
  tx: Transaction,
  tree: SealedTree,
  { origin, size, root }: Checkpoint,
  note: string,
): Promise<void> {
  await tx.query({
    name: 'insert-checkpoint',
    text: `
insert into audit_checkpoints (ledger_id, incarnation, tree_size, origin, root_hash, note)
values ($1::integer, $2::integer, $3::bigint, $4::text, $5::bytea, $6::text)`,
    values: [tree.ledgerId, tree.incarnation, size, origin, root, note],
  });
}
