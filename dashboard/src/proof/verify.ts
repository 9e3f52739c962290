/** Whether an inclusion proof holds, step by step: nothing of it is believed. */
import type { InclusionProof } from '../api/types.ts';
import { areEqual, fromBase64, toBase64, type Bytes } from './bytes.ts';
import { rootFrom } from './inclusion.ts';
import { leafHash, leafOf } from './leaf.ts';
import { openCheckpoint } from './note.ts';
import { faultOf } from './shape.ts';

export type Step = { readonly what: string; readonly holds: boolean; readonly detail: string };

export type Verdict = { readonly holds: boolean; readonly steps: readonly Step[] };

/** `vkeys`: the public keys to trust; those that came with the proof say only that it agrees with itself. */
export async function verifyProof(proof: InclusionProof, vkeys = proof.publicKeys): Promise<Verdict> {
  const steps: Step[] = [];
  try {
    for await (const step of check(proof, vkeys)) {
      steps.push(step);
      if (!step.holds) break;
    }
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    steps.push({ what: 'The proof can be read', holds: false, detail });
  }
  return { holds: steps.length > 0 && steps.every(({ holds }) => holds), steps };
}

async function* check(proof: InclusionProof, vkeys: readonly string[]): AsyncGenerator<Step> {
  const fault = faultOf(proof);
  if (fault !== null) {
    yield { what: 'The proof can be read', holds: false, detail: fault };
    return;
  }
  const leaf = await leafHash(leafOf(proof.event));
  yield compared('The event hashes to its leaf', leaf, proof.leafHash);

  const placed =
    proof.event.position === proof.position && BigInt(proof.leafIndex) + 1n === BigInt(proof.position);
  yield {
    what: 'The event is the one at this position',
    holds: placed,
    detail: `Leaf ${proof.leafIndex} of ${proof.treeSize}`,
  };

  const root = await rootFrom({
    leafHash: leaf,
    leafIndex: BigInt(proof.leafIndex),
    treeSize: BigInt(proof.treeSize),
    hashes: proof.hashes.map(fromBase64),
  });
  const what = `${proof.hashes.length} hashes lead from the leaf to the root`;
  if (root === null) {
    yield { what, holds: false, detail: 'They are too many or too few for a tree of this size.' };
    return;
  }
  yield compared(what, root, proof.rootHash);

  if (proof.checkpoint === null) {
    yield { what: 'A checkpoint has this root', holds: false, detail: 'None was signed at this size.' };
    return;
  }
  const signed = await openCheckpoint(proof.checkpoint, vkeys);
  yield { what: 'The checkpoint is signed with Ed25519', holds: true, detail: signed.origin };
  const agrees = signed.treeSize === BigInt(proof.treeSize) && areEqual(signed.root, root);
  yield {
    what: 'The signed checkpoint has this size and root',
    holds: agrees,
    detail: toBase64(signed.root),
  };
}

function compared(what: string, found: Bytes, said: string): Step {
  const computed = toBase64(found);
  return {
    what,
    holds: computed === said,
    detail: computed === said ? computed : `${computed}, not ${said}`,
  };
}
