/**
 * Proofs of RFC 6962: which subtrees a proof is made of (sections 2.1.1 and 2.1.2), and whether one holds (the algorithms of
 * RFC 9162, sections 2.1.3.2 and 2.1.4.2). Leaves are counted from 0, so that the event at position p is leaf p - 1.
 */
import { nodeHash } from './merkle.ts';

/** The leaves start <= n < end of a log. */
export type LeafRange = { readonly start: bigint; readonly end: bigint };

/** A complete subtree: the index-th of its level from the left, where level 0 are the leaves. */
export type SubtreeId = { readonly level: number; readonly index: bigint };

/** PATH(leaf, D[size]): the ranges whose roots lead from a leaf to the root, from below. */
export function inclusionRanges(leaf: bigint, size: bigint): LeafRange[] {
  const ranges: LeafRange[] = [];
  let [start, end] = [0n, size];
  while (end - start > 1n) {
    const split = start + splitOf(end - start);
    if (leaf < split) {
      ranges.push({ start: split, end });
      end = split;
    } else {
      ranges.push({ start, end: split });
      start = split;
    }
  }
  return ranges.toReversed();
}

/** PROOF(from, D[to]): the ranges whose roots show that the tree of `to` leaves begins with that of `from`; 0 < from <= to. */
export function consistencyRanges(from: bigint, to: bigint): LeafRange[] {
  const ranges: LeafRange[] = [];
  let [start, end] = [0n, to];
  while (from < end) {
    const split = start + splitOf(end - start);
    if (from <= split) {
      ranges.push({ start: split, end });
      end = split;
    } else {
      ranges.push({ start, end: split });
      start = split;
    }
  }
  // The old tree's own part, which its root already tells where it is the whole old tree.
  if (start > 0n) ranges.push({ start, end });
  return ranges.toReversed();
}

/** The largest power of two below `count`, which is above 1. */
function splitOf(count: bigint): bigint {
  return 1n << BigInt((count - 1n).toString(2).length - 1);
}

/** The complete subtrees that cover a range of a tree from left to right; their fold from the right is its root. */
export function subtreesOf({ start, end }: LeafRange): SubtreeId[] {
  const subtrees: SubtreeId[] = [];
  for (let at = start; at < end;) {
    let level = 0;
    while (at % (2n << BigInt(level)) === 0n && at + (2n << BigInt(level)) <= end) level += 1;
    subtrees.push({ level, index: at >> BigInt(level) });
    at += 1n << BigInt(level);
  }
  return subtrees;
}

export type InclusionProof = {
  readonly leafIndex: bigint;
  readonly treeSize: bigint;
  readonly leafHash: Buffer;
  readonly hashes: readonly Buffer[];
};

export function verifyInclusion(proof: InclusionProof, root: Buffer): boolean {
  const { leafIndex, treeSize } = proof;
  if (leafIndex < 0n || leafIndex >= treeSize) return false;
  let [node, last] = [leafIndex, treeSize - 1n];
  let found = proof.leafHash;
  for (const hash of proof.hashes) {
    if (last === 0n) return false;
    if (node % 2n === 1n || node === last) {
      found = nodeHash(hash, found);
      while (node % 2n === 0n && node !== 0n) [node, last] = [node >> 1n, last >> 1n];
    } else {
      found = nodeHash(found, hash);
    }
    [node, last] = [node >> 1n, last >> 1n];
  }
  return last === 0n && found.equals(root);
}

export type ConsistencyProof = {
  readonly from: bigint;
  readonly to: bigint;
  readonly hashes: readonly Buffer[];
};

export function verifyConsistency(
  proof: ConsistencyProof,
  roots: { readonly from: Buffer; readonly to: Buffer },
): boolean {
  const { from, to } = proof;
  if (from <= 0n || from > to) return false;
  if (from === to) return proof.hashes.length === 0 && roots.from.equals(roots.to);
  // The old tree is one complete subtree: its root begins the proof without being sent.
  const hashes = (from & (from - 1n)) === 0n ? [roots.from, ...proof.hashes] : proof.hashes;
  const [first, ...rest] = hashes;
  if (first === undefined) return false;
  let [node, last] = [from - 1n, to - 1n];
  while (node % 2n === 1n) [node, last] = [node >> 1n, last >> 1n];
  let [old, young] = [first, first];
  for (const hash of rest) {
    if (last === 0n) return false;
    if (node % 2n === 1n || node === last) {
      old = nodeHash(hash, old);
      young = nodeHash(hash, young);
      while (node % 2n === 0n && node !== 0n) [node, last] = [node >> 1n, last >> 1n];
    } else {
      young = nodeHash(young, hash);
    }
    [node, last] = [node >> 1n, last >> 1n];
  }
  return last === 0n && old.equals(roots.from) && young.equals(roots.to);
}
