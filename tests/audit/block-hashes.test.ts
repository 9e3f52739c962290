/** Ranges that are hashed apart and joined give the tree of the whole, and its root at each size that was asked for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createBlockHasher } from '../../src/audit/tree/block-hashes.ts';
import { createCompactRange, leafHash } from '../../src/audit/tree/merkle.ts';

const LEAVES = Array.from({ length: 1_200 }, (_, n) => leafHash(Buffer.from(`leaf ${n}`)));

const roots: Buffer[] = [];
const whole = createCompactRange();
for (const hash of LEAVES) {
  whole.append({ level: 0, hash });
  roots.push(whole.root());
}

test('blocks of a range, cut anywhere and marked anywhere, are those of the tree', () => {
  const size = fc.nat(LEAVES.length);
  fc.assert(
    fc.property(fc.array(size, { maxLength: 4 }), fc.uniqueArray(size, { maxLength: 40 }), (cuts, marks) => {
      const ends = [...new Set([...cuts, LEAVES.length])].sort((left, right) => left - right);
      const wanted = marks.filter((mark) => mark > 0).sort((left, right) => left - right);
      const tree = createCompactRange();
      const marked = new Map<number, Buffer>();
      let from = 0;
      for (const to of ends) {
        const within = wanted.filter((mark) => mark > from && mark <= to).map(BigInt);
        const hasher = createBlockHasher(BigInt(from), within);
        const reused = Buffer.alloc(32);
        for (const hash of LEAVES.slice(from, to)) {
          hash.copy(reused);
          hasher.add(reused);
        }
        const { subtrees, marks: found } = hasher.finish();
        let done = 0;
        for (const mark of found) {
          for (; done < mark.after; done += 1) tree.append(subtrees[done]!);
          const at = createCompactRange(tree.subtrees());
          for (const subtree of mark.subtrees) at.append(subtree);
          marked.set(Number(mark.size), at.root());
        }
        for (; done < subtrees.length; done += 1) tree.append(subtrees[done]!);
        from = to;
      }
      assert.deepEqual(tree.root(), roots.at(-1));
      assert.deepEqual([...marked.keys()], wanted);
      for (const [mark, root] of marked) assert.deepEqual(root, roots[mark - 1]);
    }),
    { numRuns: 60 },
  );
});
