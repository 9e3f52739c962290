/**
 * A proof as it is handed out: the event with its stored bytes, its way to the root, and the signed checkpoint. Whoever has it and a
 * public key checks it without asking anybody.
 */
import { createPublicKey } from 'node:crypto';
import { z } from 'zod';
import { CheckpointError, openCheckpoint, type Checkpoint } from './checkpoint.ts';
import { encodeLeaf, isLeafTime, type Leaf } from '../tree/leaf.ts';
import { HASH_BYTES, leafHash } from '../tree/merkle.ts';
import { fromBase64, NoteError, parseVkey, vkeyOf } from './note.ts';
import { verifyInclusion } from '../tree/proofs.ts';

const MAX_HASHES = 64;

const MAX_INT8 = 2n ** 63n - 1n;

const digits = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,18})$/, { abort: true })
  .refine((value) => BigInt(value) <= MAX_INT8, 'must fit in 8 bytes');
const uuid = z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
const time = z.string().refine(isLeafTime, 'must be a time in UTC with milliseconds');
const text = z.string().refine((value) => value.isWellFormed(), 'must be well-formed text');
const sha256 = z.string().transform((encoded, context) => {
  const bytes = fromBase64(encoded);
  if (bytes?.length === HASH_BYTES) return bytes;
  context.addIssue({ code: 'custom', message: 'must be the base64 of 32 bytes' });
  return z.NEVER;
});

const eventSchema = z.object({
  position: digits,
  id: uuid,
  type: text,
  version: z.int().min(0).max(32_767),
  idempotencyKey: text.nullable(),
  fingerprint: z
    .string()
    .regex(/^([0-9a-f]{2})*$/)
    .nullable(),
  actor: text,
  correlationId: text.nullable(),
  relatedId: uuid.nullable(),
  occurredAt: time,
  recordedAt: time,
  effectiveAt: time.nullable(),
  data: text,
});

const proofSchema = z.object({
  position: digits,
  leafIndex: digits,
  treeSize: digits,
  leafHash: sha256,
  hashes: z.array(sha256).max(MAX_HASHES),
  rootHash: sha256,
  checkpoint: z.string().nullable(),
  event: eventSchema,
});

export type InclusionDocument = z.input<typeof proofSchema> & { readonly publicKeys: readonly string[] };

export type ProvenEvent = { readonly event: Leaf; readonly checkpoint: Checkpoint };

/** The document does not prove what it says. */
export class ProofError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ProofError';
  }
}

export function eventDocument(leaf: Leaf): InclusionDocument['event'] {
  return { ...leaf, position: leaf.position.toString() };
}

/** `keys`: the text of a file with vkeys, one a line, or with a public key in PEM. Throws a ProofError that says what is wrong. */
export function checkProof(document: unknown, keys: string): ProvenEvent {
  const parsed = proofSchema.safeParse(document);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new ProofError(`This is no proof: ${issue?.path.join('.')}: ${issue?.message}.`);
  }
  const proof = parsed.data;
  if (proof.checkpoint === null)
    throw new ProofError('The proof has no checkpoint, so nobody has signed it.');
  const checkpoint = signedBy(proof.checkpoint, keys);
  if (checkpoint.size !== BigInt(proof.treeSize) || !checkpoint.root.equals(proof.rootHash)) {
    throw new ProofError('The checkpoint is of another tree than the proof.');
  }
  const event = { ...proof.event, position: BigInt(proof.event.position) };
  const found = leafHash(encodeLeaf(event));
  if (!found.equals(proof.leafHash)) throw new ProofError('The event is not the leaf of the proof.');
  const leafIndex = BigInt(proof.leafIndex);
  if (event.position !== leafIndex + 1n || event.position !== BigInt(proof.position)) {
    throw new ProofError('The event is of another position than the proof.');
  }
  const path = { leafIndex, treeSize: checkpoint.size, leafHash: found, hashes: proof.hashes };
  if (!verifyInclusion(path, checkpoint.root)) {
    throw new ProofError('The hashes do not lead from the event to the root in the checkpoint.');
  }
  return { event, checkpoint };
}

function signedBy(note: string, keys: string): Checkpoint {
  try {
    return openCheckpoint(note, vkeysIn(keys, note));
  } catch (error) {
    if (error instanceof CheckpointError) throw new ProofError(error.message);
    throw error;
  }
}

/** A key in PEM has no name: it is taken for the key of the log that the checkpoint says it is of. */
function vkeysIn(keys: string, note: string): string[] {
  if (!keys.includes('-----BEGIN'))
    return keys.split('\n').flatMap((line) => (line.trim() === '' ? [] : [line.trim()]));
  const [origin = ''] = note.split('\n', 1);
  return [vkeyOf(origin, createPublicKey(keys))];
}

/** Throws a NoteError for what is neither vkeys nor a public key in PEM. */
export function checkKeys(keys: string): void {
  const vkeys = vkeysIn(keys, '');
  if (vkeys.length === 0) throw new NoteError('There is no key in it.');
  if (!keys.includes('-----BEGIN')) for (const vkey of vkeys) parseVkey(vkey);
}
