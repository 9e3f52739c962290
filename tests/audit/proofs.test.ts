/** Roots and proofs against the vectors of Certificate Transparency, and against RFC 6962 taken word for word. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createCompactRange, EMPTY_ROOT, leafHash, nodeHash } from '../../src/audit/tree/merkle.ts';
import {
  consistencyRanges,
  inclusionRanges,
  subtreesOf,
  verifyConsistency,
  verifyInclusion,
  type LeafRange,
} from '../../src/audit/tree/proofs.ts';

const hex = (text: string): Buffer => Buffer.from(text, 'hex');

/** Published with the Certificate Transparency sources. */
const LEAVES = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
].map((text) => leafHash(hex(text)));
const ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
].map(hex);
const INCLUSION = [
  {
    leaf: 0n,
    size: 8n,
    hashes: [
      '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
    ],
  },
  {
    leaf: 5n,
    size: 8n,
    hashes: [
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ],
  },
  { leaf: 2n, size: 3n, hashes: ['fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125'] },
];
const CONSISTENCY = [
  { from: 1n, to: 1n, hashes: [] },
  {
    from: 6n,
    to: 8n,
    hashes: [
      '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ],
  },
  {
    from: 2n,
    to: 5n,
    hashes: [
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
    ],
  },
];

/** MTH, PATH and SUBPROOF as section 2.1 of RFC 6962 writes them. */
function treeHash(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 0) return EMPTY_ROOT;
  if (leaves.length === 1) return leaves[0]!;
  const k = split(leaves.length);
  return nodeHash(treeHash(leaves.slice(0, k)), treeHash(leaves.slice(k)));
}

function path(m: number, leaves: readonly Buffer[]): Buffer[] {
  if (leaves.length <= 1) return [];
  const k = split(leaves.length);
  return m < k
    ? [...path(m, leaves.slice(0, k)), treeHash(leaves.slice(k))]
    : [...path(m - k, leaves.slice(k)), treeHash(leaves.slice(0, k))];
}

function subproof(m: number, leaves: readonly Buffer[], whole: boolean): Buffer[] {
  if (m === leaves.length) return whole ? [] : [treeHash(leaves)];
  const k = split(leaves.length);
  return m <= k
    ? [...subproof(m, leaves.slice(0, k), whole), treeHash(leaves.slice(k))]
    : [...subproof(m - k, leaves.slice(k), false), treeHash(leaves.slice(0, k))];
}

function split(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

/** What the service does with ranges: the roots of their complete subtrees, folded. */
function rootOf(leaves: readonly Buffer[], range: LeafRange): Buffer {
  const range_ = createCompactRange();
  for (const { level, index } of subtreesOf(range)) {
    const start = Number(index << BigInt(level));
    range_.append({ level, hash: treeHash(leaves.slice(start, start + 2 ** level)) });
  }
  return range_.root();
}

describe('The vectors of Certificate Transparency', () => {
  test('give the published root of each size', () => {
    const range = createCompactRange();
    for (const [size, root] of ROOTS.entries()) {
      assert.deepEqual(range.root(), root, `size ${size}`);
      const leaf = LEAVES[size];
      if (leaf !== undefined) range.append({ level: 0, hash: leaf });
    }
  });

  for (const { leaf, size, hashes } of INCLUSION) {
    test(`give the published path of leaf ${leaf} in ${size}, which is found right`, () => {
      const found = inclusionRanges(leaf, size).map((range) => rootOf(LEAVES, range));
      assert.deepEqual(found, hashes.map(hex));
      const proof = { leafIndex: leaf, treeSize: size, leafHash: LEAVES[Number(leaf)]!, hashes: found };
      assert.equal(verifyInclusion(proof, ROOTS[Number(size)]!), true);
    });
  }

  for (const { from, to, hashes } of CONSISTENCY) {
    test(`give the published proof from ${from} to ${to}, which is found right`, () => {
      const found = consistencyRanges(from, to).map((range) => rootOf(LEAVES, range));
      assert.deepEqual(found, hashes.map(hex));
      const roots = { from: ROOTS[Number(from)]!, to: ROOTS[Number(to)]! };
      assert.equal(verifyConsistency({ from, to, hashes: found }, roots), true);
    });
  }
});

describe('A tree of any size', () => {
  const leaves = Array.from({ length: 300 }, (_, n) => leafHash(Buffer.from(`leaf ${n}`)));
  const roots = leaves.map((_, n) => treeHash(leaves.slice(0, n + 1)));
  const sizes = fc.integer({ min: 1, max: leaves.length });
  const twoSizes = fc.tuple(sizes, sizes).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);

  test('has the inclusion proofs that the RFC defines, and each is found right', () => {
    fc.assert(
      fc.property(sizes, fc.nat(), (size, any) => {
        const leaf = any % size;
        const hashes = inclusionRanges(BigInt(leaf), BigInt(size)).map((range) => rootOf(leaves, range));
        assert.deepEqual(hashes, path(leaf, leaves.slice(0, size)));
        const proof = { leafIndex: BigInt(leaf), treeSize: BigInt(size), leafHash: leaves[leaf]!, hashes };
        assert.equal(verifyInclusion(proof, roots[size - 1]!), true);
      }),
    );
  });

  test('has the consistency proofs that the RFC defines, and each is found right', () => {
    fc.assert(
      fc.property(twoSizes, ([from, to]) => {
        const hashes = consistencyRanges(BigInt(from), BigInt(to)).map((range) => rootOf(leaves, range));
        assert.deepEqual(hashes, subproof(from, leaves.slice(0, to), true));
        const proof = { from: BigInt(from), to: BigInt(to), hashes };
        assert.equal(verifyConsistency(proof, { from: roots[from - 1]!, to: roots[to - 1]! }), true);
      }),
    );
  });

  test('has no inclusion proof that still holds when any part of it is changed', () => {
    fc.assert(
      fc.property(sizes, fc.nat(), fc.nat(), (size, any, at) => {
        const leaf = any % size;
        const hashes = path(leaf, leaves.slice(0, size));
        const proof = { leafIndex: BigInt(leaf), treeSize: BigInt(size), leafHash: leaves[leaf]!, hashes };
        const root = roots[size - 1]!;
        const other = leafHash(Buffer.from('another'));
        assert.equal(verifyInclusion({ ...proof, leafHash: other }, root), false);
        assert.equal(verifyInclusion({ ...proof, hashes: [...hashes, other] }, root), false);
        assert.equal(verifyInclusion({ ...proof, leafIndex: BigInt(size) }, root), false);
        assert.equal(verifyInclusion({ ...proof, leafIndex: -1n }, root), false);
        assert.equal(verifyInclusion(proof, other), false);
        if (hashes.length === 0) return;
        assert.equal(verifyInclusion({ ...proof, hashes: hashes.slice(1) }, root), false);
        assert.equal(
          verifyInclusion({ ...proof, hashes: hashes.with(at % hashes.length, other) }, root),
          false,
        );
        assert.equal(verifyInclusion({ ...proof, leafIndex: BigInt((leaf + 1) % size) }, root), false);
      }),
    );
  });

  test('has no consistency proof that still holds when any part of it is changed', () => {
    fc.assert(
      fc.property(twoSizes, fc.nat(), ([from, to], at) => {
        const hashes = subproof(from, leaves.slice(0, to), true);
        const proof = { from: BigInt(from), to: BigInt(to), hashes };
        const ends = { from: roots[from - 1]!, to: roots[to - 1]! };
        const other = leafHash(Buffer.from('another'));
        assert.equal(verifyConsistency(proof, { ...ends, from: other }), false);
        assert.equal(verifyConsistency(proof, { ...ends, to: other }), false);
        assert.equal(verifyConsistency({ ...proof, hashes: [...hashes, other] }, ends), false);
        assert.equal(verifyConsistency({ ...proof, from: 0n }, ends), false);
        assert.equal(verifyConsistency({ ...proof, from: BigInt(to + 1) }, ends), false);
        if (hashes.length === 0) return;
        assert.equal(verifyConsistency({ ...proof, hashes: hashes.slice(1) }, ends), false);
        assert.equal(
          verifyConsistency({ ...proof, hashes: hashes.with(at % hashes.length, other) }, ends),
          false,
        );
      }),
    );
  });
});
