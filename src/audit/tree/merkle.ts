/**
 * The Merkle tree of RFC 6962, section 2.1, over the leaves of the log: leaf n is the event at position n + 1. Its
 * interior nodes are kept as a compact range, the roots of the complete subtrees that cover the leaves so far, so
 * that a log of any length is hashed in constant memory.
 */
import { hash } from 'node:crypto';

export const HASH_BYTES = 32;

const LEAF_PREFIX = 0x00;
const NODE_PREFIX = 0x01;

/** MTH({}): the root of the empty tree. */
export const EMPTY_ROOT = hash('sha256', Buffer.alloc(0), 'buffer');

/** For a leaf behind its prefix. Nothing here is asynchronous, so one serves all. */
let scratch = Buffer.alloc(4_096);

/** SHA-256(0x00 || leaf). */
export function leafHash(leaf: Uint8Array): Buffer {
  return digestOf(framed(leaf));
}

/** As leafHash, in bytes that are only good until the next one is asked for: millions of them need not be collected. */
export function passingLeafHash(leaf: Uint8Array): Buffer {
  return passingDigestOf(framed(leaf));
}

/** As passingLeafHash, of bytes that have room for the prefix: `leaf[0]` is overwritten. */
export function framedLeafHash(leaf: Buffer): Buffer {
  leaf[0] = LEAF_PREFIX;
  return passingDigestOf(leaf);
}

function framed(leaf: Uint8Array): Buffer {
  if (leaf.length >= scratch.length) scratch = Buffer.alloc(2 * leaf.length);
  scratch[0] = LEAF_PREFIX;
  scratch.set(leaf, 1);
  return scratch.subarray(0, 1 + leaf.length);
}

const node = Buffer.alloc(1 + 2 * HASH_BYTES, NODE_PREFIX);

/** SHA-256(0x01 || left || right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  node.set(left, 1);
  node.set(right, 1 + HASH_BYTES);
  return digestOf(node);
}

/** Half the cost of a digest that is asked for as a buffer, which is made outside of the heap and freed by the collector. */
function digestOf(bytes: Uint8Array): Buffer {
  return Buffer.from(hash('sha256', bytes, 'latin1'), 'latin1');
}

const passing = Buffer.alloc(HASH_BYTES);

function passingDigestOf(bytes: Uint8Array): Buffer {
  passing.write(hash('sha256', bytes, 'latin1'), 0, HASH_BYTES, 'latin1');
  return passing;
}

/** The root of 2^n leaf hashes that lie one behind the other; the bytes are overwritten. */
export function rootOfBlock(hashes: Buffer): Buffer {
  for (let count = hashes.length / HASH_BYTES; count > 1; count /= 2) {
    for (let pair = 0; pair < count / 2; pair += 1) {
      const at = 2 * pair * HASH_BYTES;
      hashes.copy(node, 1, at, at + 2 * HASH_BYTES);
      hashes.write(hash('sha256', node, 'latin1'), pair * HASH_BYTES, HASH_BYTES, 'latin1');
    }
  }
  return Buffer.from(hashes.subarray(0, HASH_BYTES));
}

/** The root of a complete subtree of 2^level leaves. Level 0 is a leaf hash. */
export type Subtree = { readonly level: number; readonly hash: Buffer };

export type CompactRange = {
  /** How many leaves it covers, from the first on. */
  readonly size: () => bigint;
  /** Adds the complete subtree that follows. Throws where a tree has no such subtree at its present size. */
  readonly append: (subtree: Subtree) => void;
  /** Roots of the complete subtrees, left to right, each smaller than the one before. */
  readonly subtrees: () => readonly Subtree[];
  /** MTH of the leaves so far. */
  readonly root: () => Buffer;
};

/** Continues from the subtrees of another range; empty without. */
export function createCompactRange(from: readonly Subtree[] = []): CompactRange {
  const stack: Subtree[] = [...from];

  function append(subtree: Subtree): void {
    let { level, hash: right } = subtree;
    for (let last = stack.at(-1); last !== undefined && last.level <= level; last = stack.at(-1)) {
      if (last.level < level) throw new RangeError(`a subtree of level ${level} does not follow here`);
      right = nodeHash(last.hash, right);
      level += 1;
      stack.pop();
    }
    stack.push({ level, hash: right });
  }

  return {
    append,
    size: () => stack.reduce((sum, { level }) => sum + (1n << BigInt(level)), 0n),
    subtrees: () => [...stack],
    root: () => {
      const hashes = stack.map((subtree) => subtree.hash);
      if (hashes.length === 0) return EMPTY_ROOT;
      // A hash that came from another thread is no Buffer.
      return Buffer.from(hashes.reduceRight((right, left) => nodeHash(left, right)));
    },
  };
}
