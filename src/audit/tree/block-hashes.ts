/**
 * Hashes of a range of leaves, as small as they can be handed on: the roots of its complete blocks of 256 leaves, and single leaves
 * where a block begins or ends outside of the range. Ranges are hashed side by side and joined in order, in one tree.
 */
import { createCompactRange, type Subtree } from './merkle.ts';

/** log2 of a block. */
export const BLOCK_LEVEL = 8;
export const BLOCK_LEAVES = 1n << BigInt(BLOCK_LEVEL);

/** The subtrees that stand between the last of `subtrees` before it and the leaf of a given tree size. */
export type Mark = { readonly size: bigint; readonly after: number; readonly subtrees: readonly Subtree[] };

export type BlockHashes = {
  readonly subtrees: readonly Subtree[];
  /** One for each tree size that was asked for. */
  readonly marks: readonly Mark[];
};

export type BlockHasher = { readonly add: (leafHash: Buffer) => void; readonly finish: () => BlockHashes };

/** `size`: how many leaves are before the range. `marked`: the tree sizes to mark, ascending, within the range. */
export function createBlockHasher(size: bigint, marked: readonly bigint[]): BlockHasher {
  const subtrees: Subtree[] = [];
  const marks: Mark[] = [];
  let at = size;
  let next = 0;
  /** Null while the range is inside a block that began before it. */
  let block = at % BLOCK_LEAVES === 0n ? createCompactRange() : null;

  function mark(): void {
    marks.push({ size: at, after: subtrees.length, subtrees: block?.subtrees() ?? [] });
    next += 1;
  }

  return {
    add(leafHash) {
      at += 1n;
      const leaf = { level: 0, hash: leafHash };
      if (block === null) subtrees.push(leaf);
      else block.append(leaf);
      if (at % BLOCK_LEAVES === 0n) {
        if (block !== null) subtrees.push(...block.subtrees());
        block = createCompactRange();
      }
      while (marked[next] === at) mark();
    },
    finish: () => ({ subtrees: [...subtrees, ...(block?.subtrees() ?? [])], marks }),
  };
}
