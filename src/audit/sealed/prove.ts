/** What is asked of the sealed log: its last checkpoint, and proofs. Each is answered from one snapshot. */
import type { Pool, PoolClient } from 'pg';
import { inSnapshot } from '../../db/pool.ts';
import type { Transaction } from '../../db/transaction.ts';
import { InvalidRequestError, RefusedError } from '../../errors.ts';
import {
  readCheckpointOf,
  readIncarnation,
  readLastCheckpoint,
  readPublicKeys,
  readSealedState,
} from './checkpoint-log.ts';
import { LogContradictionError } from './contradiction.ts';
import { readDrift, type Drift } from '../drift/drift-log.ts';
import { eventDocument, type InclusionDocument } from './proof-document.ts';
import { consistencyRanges, inclusionRanges, verifyConsistency, verifyInclusion } from '../tree/proofs.ts';
import { createSealWaiter, notSealedYet } from './seal-waiter.ts';
import { readLeaf, readRoots, type SealedTree } from './sealed-tree.ts';

/** Hashes are in base64, as they are in a checkpoint. */
export type CheckpointDocument = {
  readonly origin: string;
  readonly treeSize: string;
  readonly rootHash: string;
  readonly sealedAt: string;
  readonly note: string;
  readonly publicKeys: readonly string[];
  /** So many events are not under it. */
  readonly unsealedEvents: string;
};

export type ConsistencyDocument = {
  readonly from: string;
  readonly to: string;
  readonly fromRootHash: string;
  readonly toRootHash: string;
  readonly hashes: readonly string[];
  /** The signed note of size `to`; null where none was made there. */
  readonly checkpoint: string | null;
};

export type PublicKeyDocument = { readonly name: string; readonly vkey: string; readonly current: boolean };

export type AuditQueries = {
  /** Null before the first one. */
  readonly checkpoint: () => Promise<CheckpointDocument | null>;
  /** Rejects with `not_sealed_yet` where the position is not sealed by then. */
  readonly sealed: (wanted: { position: bigint; timeoutMs: number }) => Promise<void>;
  /** By default in the tree of the last checkpoint. Rejects with `not_sealed_yet` for what is not in it yet. */
  readonly inclusion: (wanted: {
    position: bigint;
    treeSize: bigint | undefined;
  }) => Promise<InclusionDocument>;
  readonly consistency: (wanted: { from: bigint; to: bigint | undefined }) => Promise<ConsistencyDocument>;
  /** Every key that ever signed, the one that signs now last. */
  readonly publicKeys: () => Promise<PublicKeyDocument[]>;
  readonly drift: () => Promise<Drift>;
};

export function createAuditQueries(pool: Pool, ledgerId: number): AuditQueries {
  return {
    checkpoint: () => inSnapshot(pool, (tx) => latestCheckpoint(tx, ledgerId)),
    sealed: createSealWaiter(pool, ledgerId),
    inclusion: (wanted) => told(inSnapshot(pool, (tx) => proveInclusion(tx, ledgerId, wanted))),
    consistency: (wanted) => told(inSnapshot(pool, (tx) => proveConsistency(tx, ledgerId, wanted))),
    publicKeys: () => publicKeysOf(pool, ledgerId),
    drift: () => inSnapshot(pool, (tx) => readDrift(tx, ledgerId)),
  };
}

async function publicKeysOf(tx: Transaction, ledgerId: number): Promise<PublicKeyDocument[]> {
  const vkeys = await readPublicKeys(tx, ledgerId);
  return vkeys.map((vkey, index) => ({
    ...{ name: vkey.slice(0, vkey.indexOf('+')), vkey, current: index === vkeys.length - 1 },
  }));
}

/** Who asks for a proof is told that there can be none, and why. */
async function told<Answer>(answer: Promise<Answer>): Promise<Answer> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof LogContradictionError)) throw error;
    throw new RefusedError({ code: 'log_contradicted', detail: error.message, figures: {} });
  }
}

async function latestCheckpoint(tx: Transaction, ledgerId: number): Promise<CheckpointDocument | null> {
  const { head } = await readSealedState(tx, ledgerId);
  const incarnation = await readIncarnation(tx, ledgerId);
  const checkpoint = incarnation === null ? null : await readLastCheckpoint(tx, ledgerId, incarnation.number);
  if (checkpoint === null) return null;
  const { origin, treeSize, rootHash, sealedAt, note } = checkpoint;
  return {
    origin,
    treeSize: treeSize.toString(),
    rootHash: rootHash.toString('base64'),
    sealedAt,
    note,
    publicKeys: await readPublicKeys(tx, ledgerId),
    unsealedEvents: (head > treeSize ? head - treeSize : 0n).toString(),
  };
}

async function proveInclusion(
  tx: PoolClient,
  ledgerId: number,
  wanted: { position: bigint; treeSize: bigint | undefined },
): Promise<InclusionDocument> {
  const { position } = wanted;
  const { tree, size } = await sealedTreeWith(tx, ledgerId, [
    { path: 'position', size: position },
    { path: 'treeSize', size: wanted.treeSize },
  ]);
  const treeSize = wanted.treeSize ?? size;
  if (treeSize < position) {
    throw new InvalidRequestError([{ path: 'treeSize', message: 'must not be below position' }]);
  }
  const leafIndex = position - 1n;
  const itself = { start: leafIndex, end: position };
  const [rootHash, leafHash, ...hashes] = (await readRoots(tx, tree, [
    { start: 0n, end: treeSize },
    itself,
    ...inclusionRanges(leafIndex, treeSize),
  ])) as [Buffer, Buffer, ...Buffer[]];
  const event = await readLeaf(tx, ledgerId, position);
  if (event === null || !verifyInclusion({ leafIndex, treeSize, leafHash, hashes }, rootHash)) {
    throw new LogContradictionError(`The event at position ${position} is not the one that was sealed.`);
  }
  return {
    position: position.toString(),
    leafIndex: leafIndex.toString(),
    treeSize: treeSize.toString(),
    leafHash: leafHash.toString('base64'),
    hashes: hashes.map((hash) => hash.toString('base64')),
    rootHash: rootHash.toString('base64'),
    checkpoint: await noteOf(tx, tree, treeSize, rootHash),
    publicKeys: await readPublicKeys(tx, ledgerId),
    event: eventDocument(event),
  };
}

async function proveConsistency(
  tx: PoolClient,
  ledgerId: number,
  wanted: { from: bigint; to: bigint | undefined },
): Promise<ConsistencyDocument> {
  const { from } = wanted;
  const { tree, size } = await sealedTreeWith(tx, ledgerId, [
    { path: 'from', size: from },
    { path: 'to', size: wanted.to },
  ]);
  const to = wanted.to ?? size;
  if (to < from) throw new InvalidRequestError([{ path: 'to', message: 'must not be below from' }]);
  const [fromRootHash, toRootHash, ...hashes] = (await readRoots(tx, tree, [
    { start: 0n, end: from },
    { start: 0n, end: to },
    ...consistencyRanges(from, to),
  ])) as [Buffer, Buffer, ...Buffer[]];
  if (!verifyConsistency({ from, to, hashes }, { from: fromRootHash, to: toRootHash })) {
    throw new LogContradictionError(`The first ${from} events are not the ones that were sealed.`);
  }
  await noteOf(tx, tree, from, fromRootHash);
  return {
    from: from.toString(),
    to: to.toString(),
    fromRootHash: fromRootHash.toString('base64'),
    toRootHash: toRootHash.toString('base64'),
    hashes: hashes.map((hash) => hash.toString('base64')),
    checkpoint: await noteOf(tx, tree, to, toRootHash),
  };
}

/** The tree that is sealed now, which has to have so many leaves. */
async function sealedTreeWith(
  tx: Transaction,
  ledgerId: number,
  wanted: readonly { path: string; size: bigint | undefined }[],
): Promise<{ tree: SealedTree; size: bigint }> {
  const { head, sealed } = await readSealedState(tx, ledgerId);
  const faults = wanted.flatMap(({ path, size }) => {
    if (size === undefined) return [];
    if (size < 1n) return [{ path, message: 'must be at least 1' }];
    const limit = head > sealed ? head : sealed;
    return size > limit ? [{ path, message: `must not be beyond the head, which is ${limit}` }] : [];
  });
  if (faults.length > 0) throw new InvalidRequestError(faults, head);
  const incarnation = await readIncarnation(tx, ledgerId);
  if (incarnation === null || wanted.some(({ size }) => size !== undefined && size > sealed)) {
    throw notSealedYet(sealed);
  }
  return { tree: { ledgerId, incarnation: incarnation.number }, size: sealed };
}

/** The note of that size, which has to be of this root. */
async function noteOf(
  tx: Transaction,
  tree: SealedTree,
  treeSize: bigint,
  root: Buffer,
): Promise<string | null> {
  const checkpoint = await readCheckpointOf(tx, tree.ledgerId, tree.incarnation, treeSize);
  if (checkpoint === null) return null;
  if (checkpoint.rootHash.equals(root)) return checkpoint.note;
  throw new LogContradictionError(`The first ${treeSize} events do not have the root that was sealed.`);
}
