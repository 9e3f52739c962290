/**
 * Hashes of a range of leaves, as small as they can be handed on: the roots of its complete blocks of 256 leaves, and single leaves
 * where a block begins or ends outside of the range. Ranges are hashed side by side and joined in order, in one tree.
 */
import { createCompactRange, HASH_BYTES, rootOfBlock, type CompactRange, type Subtree } from './merkle.ts';

/** log2 of a block. */
export const BLOCK_LEVEL = 8;
const LEAVES = 2 ** BLOCK_LEVEL;
export const BLOCK_LEAVES = BigInt(LEAVES);

/** The subtrees that stand between the last of `subtrees` before it and the leaf of a given tree size. */
export type Mark = { readonly size: bigint; readonly after: number; readonly subtrees: readonly Subtree[] };

export type BlockHashes = {
  readonly subtrees: readonly Subtree[];
  /** One for each tree size that was asked for. */
  readonly marks: readonly Mark[];
};

export type BlockHasher = {
  /** The hash of the next leaf, which is copied. */
  readonly add: (leafHash: Buffer) => void;
  readonly finish: () => BlockHashes;
};

/** `size`: how many leaves are before the range. `marked`: the tree sizes to mark, ascending, within the range. */
export function createBlockHasher(size: bigint, marked: readonly bigint[]): BlockHasher {
  const subtrees: Subtree[] = [];
  const marks: Mark[] = [];
  /** Leaf hashes of the block that is under way, which costs less to hash as a whole. */
  const block = Buffer.alloc(LEAVES * HASH_BYTES);
  let filled = Number(size % BLOCK_LEAVES);
  /** Whether the block began before the range: its leaves are given out one by one. */
  let cut = filled > 0;
  let at = size;
  let next = 0;
  /** Of a block in which there is something to mark, kept leaf by leaf. */
  let range = rangeOfMarks();

  function rangeOfMarks(): CompactRange | null {
    const mark = marked[next];
    return !cut && mark !== undefined && mark < at + BLOCK_LEAVES ? createCompactRange() : null;
  }

  function leafAt(index: number): Subtree {
    return { level: 0, hash: Buffer.from(block.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES)) };
  }

  function endBlock(): void {
    if (!cut) subtrees.push(...(range?.subtrees() ?? [{ level: BLOCK_LEVEL, hash: rootOfBlock(block) }]));
    filled = 0;
    cut = false;
  }

  function subtreesOfBlock(): readonly Subtree[] {
    if (cut) return [];
    if (range !== null) return range.subtrees();
    const leaves = createCompactRange();
    for (let index = 0; index < filled; index += 1) leaves.append(leafAt(index));
    return leaves.subtrees();
  }

  return {
    add(leafHash) {
      at += 1n;
      block.set(leafHash, filled * HASH_BYTES);
      if (cut) subtrees.push(leafAt(filled));
      else range?.append(leafAt(filled));
      filled += 1;
      const isEnd = filled === LEAVES;
      if (isEnd) endBlock();
      while (marked[next] === at) {
        marks.push({ size: at, after: subtrees.length, subtrees: isEnd ? [] : subtreesOfBlock() });
        next += 1;
      }
      if (isEnd) range = rangeOfMarks();
    },
    finish: () => ({ subtrees: [...subtrees, ...subtreesOfBlock()], marks }),
  };
}
