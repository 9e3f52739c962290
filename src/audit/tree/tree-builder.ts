/**
 * Grows a tree leaf by leaf and gives out the nodes that are stored of it: roots of complete subtrees at every eighth level. Each
 * tier holds what is not complete yet between two such levels.
 */
import { createCompactRange, type CompactRange, type Subtree } from './merkle.ts';
import type { SubtreeId } from './proofs.ts';

/** Levels between two stored ones: a block of 2^8 leaves, or of 2^8 nodes below, has one stored node. */
export const TIER_LEVELS = 8;

export type StoredNode = SubtreeId & { readonly hash: Buffer };

export type TreeBuilder = {
  /** Calls `onNode` with each stored node that the leaf completes. */
  readonly append: (leafHash: Buffer) => void;
  readonly size: () => bigint;
  readonly root: () => Buffer;
};

/** Continues a tree from the complete subtrees that cover it, left to right. */
export function createTreeBuilder(from: readonly Subtree[], onNode: (node: StoredNode) => void): TreeBuilder {
  let size = createCompactRange(from).size();
  const tiers: CompactRange[] = [];
  const tierAt = (tier: number): CompactRange => (tiers[tier] ??= tierOf(from, tier));
  const highest = Math.max(0, ...from.map(({ level }) => level));
  for (let tier = 0; tier * TIER_LEVELS <= highest; tier += 1) tierAt(tier);

  function append(leafHash: Buffer): void {
    size += 1n;
    let hash = leafHash;
    for (let tier = 0; ; tier += 1) {
      const range = tierAt(tier);
      range.append({ level: tier * TIER_LEVELS, hash });
      const level = (tier + 1) * TIER_LEVELS;
      if (BigInt.asUintN(level, size) !== 0n) return;
      hash = range.root();
      onNode({ level, index: (size >> BigInt(level)) - 1n, hash });
      tiers[tier] = createCompactRange();
    }
  }

  return {
    append,
    size: () => size,
    root: () => createCompactRange(tiers.toReversed().flatMap((tier) => tier.subtrees())).root(),
  };
}

function tierOf(subtrees: readonly Subtree[], tier: number): CompactRange {
  return createCompactRange(subtrees.filter(({ level }) => Math.floor(level / TIER_LEVELS) === tier));
}
