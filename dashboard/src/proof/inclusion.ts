/** The root that a leaf and its proof lead to: RFC 9162, section 2.1.3.2. */
import { sha256, type Bytes } from './bytes.ts';

const NODE = Uint8Array.of(0x01);

/** Null where the proof is too long or too short for the place and the size. */
export async function rootFrom(proof: {
  readonly leafHash: Bytes;
  readonly leafIndex: bigint;
  readonly treeSize: bigint;
  readonly hashes: readonly Bytes[];
}): Promise<Bytes | null> {
  const { leafIndex, treeSize } = proof;
  if (leafIndex < 0n || leafIndex >= treeSize) return null;
  let [node, last] = [leafIndex, treeSize - 1n];
  let root = proof.leafHash;
  for (const hash of proof.hashes) {
    if (last === 0n) return null;
    if (node % 2n === 1n || node === last) {
      root = await sha256(NODE, hash, root);
      while (node % 2n === 0n && node !== 0n) [node, last] = [node >> 1n, last >> 1n];
    } else {
      root = await sha256(NODE, root, hash);
    }
    [node, last] = [node >> 1n, last >> 1n];
  }
  return last === 0n ? root : null;
}
