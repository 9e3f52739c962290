/** What the sealed log answers. */
import { z } from 'zod';
import { event } from './log-resources.ts';
import { digits, position, time, uuid } from './scalars.ts';

const sha256 = z
  .string()
  .regex(/^[A-Za-z0-9+/]{43}=$/)
  .meta({
    id: 'Sha256',
    description: 'A SHA-256, in base64.',
    examples: ['47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='],
  });
const publicKeys = z
  .array(z.string())
  .meta({ description: 'Every key that ever signed, as C2SP vkeys, the one that signs now last.' });
const signedNote = z
  .string()
  .nullable()
  .meta({ description: 'The signed note of a tree of that size; null where no checkpoint was made there.' });

export const checkpoint = z
  .object({
    origin: z.string().meta({ description: 'Names the ledger and its incarnation.' }),
    treeSize: position.meta({ description: 'How many events are sealed.' }),
    rootHash: sha256,
    sealedAt: time,
    note: z.string().meta({ description: 'What was signed, with the signature.' }),
    publicKeys,
    unsealedEvents: digits.meta({ description: 'Events after it, which nobody has signed yet.' }),
  })
  .meta({ id: 'Checkpoint' });

/** As it is hashed: every column, and `data` as the stored text. */
const sealedEvent = z
  .object({
    ...event.omit({ data: true }).shape,
    fingerprint: z.string().nullable().meta({ description: 'Of the request, in hexadecimal.' }),
    effectiveAt: time.nullable(),
    data: z.string().meta({ description: 'The stored bytes, which are what is hashed.' }),
  })
  .meta({ id: 'SealedEvent' });

export const inclusionProof = z
  .object({
    position,
    leafIndex: position.meta({ description: 'Leaves are counted from 0.' }),
    treeSize: position,
    leafHash: sha256,
    hashes: z.array(sha256).meta({ description: 'From the leaf to the root.' }),
    rootHash: sha256,
    checkpoint: signedNote,
    publicKeys,
    event: sealedEvent,
  })
  .meta({ id: 'InclusionProof' });

export const consistencyProof = z
  .object({
    from: position,
    to: position,
    fromRootHash: sha256,
    toRootHash: sha256,
    hashes: z.array(sha256),
    checkpoint: signedNote,
  })
  .meta({ id: 'ConsistencyProof' });

export const publicKey = z
  .object({
    name: z.string().meta({ description: 'The origin of the checkpoints that it signs.' }),
    vkey: z.string().meta({ description: 'As a C2SP signed note names it.' }),
    current: z.boolean().meta({ description: 'It signs now.' }),
  })
  .meta({ id: 'PublicKey' });

export const verification = z
  .object({
    id: uuid,
    state: z.enum(['running', 'clean', 'findings', 'failed', 'canceled']),
    eventsDone: digits,
    eventsTotal: digits,
    eventsPerSecond: digits,
    secondsLeft: z.int().nullable().meta({ description: 'Null where it is not known, and at the end.' }),
    verifiedPosition: position
      .nullable()
      .meta({
        description: 'Up to here all is as it has to be; null where that is not so, or not known yet.',
      }),
    findings: z
      .array(
        z.object({
          check: z.string(),
          position: position.nullable(),
          wallet: z.string().nullable(),
          expected: z.string(),
          found: z.string(),
        }),
      )
      .meta({ description: 'At most 100.' }),
    findingCount: z.int(),
    startedAt: time,
    finishedAt: time.nullable(),
  })
  .meta({ id: 'Verification' });
