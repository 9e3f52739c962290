/** What an export consists of: `manifest.json`, which names every file with its hash. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { replaceFile } from '../../db/embedded/durable-file.ts';

export const MANIFEST = 'manifest.json';
export const FORMAT = 'coffer-audit-export/1';

const digits = z.string().regex(/^(?:0|[1-9][0-9]{0,18})$/);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
/** Files lie in the directory of the manifest or one below, whatever somebody has written into it. */
const file = z.string().regex(/^(?:[a-z]+\/)?[a-z0-9][a-z0-9_.@-]*$/);
const hashedFile = z.strictObject({ file, sha256 });

const segment = z.strictObject({
  file,
  sha256,
  bytes: z.int(),
  /** Positions. */
  first: digits,
  last: digits,
  events: z.int(),
  /** The leaf hashes of its events, 32 bytes each, so that a line that was changed can be named. */
  leaves: hashedFile,
});

const manifest = z.strictObject({
  format: z.literal(FORMAT),
  ledger: z.string(),
  /** Whether the export has ended; else it can be resumed. */
  complete: z.boolean(),
  from: digits,
  to: digits,
  events: z.int(),
  segments: z.array(segment),
  checkpoints: hashedFile.extend({ count: z.int() }).nullable(),
  publicKey: hashedFile.nullable(),
  schemas: z.array(hashedFile),
  /** For an export that does not begin at 1: the wallets before it, and the subtrees of the events before it. */
  opening: hashedFile
    .extend({ wallets: z.int(), subtrees: z.array(z.strictObject({ level: z.int(), hash: sha256 })) })
    .nullable(),
});

export type Manifest = z.infer<typeof manifest>;
export type Segment = z.infer<typeof segment>;

/** What keeps an export from being read or gone on with, in a sentence. */
export class ExportError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ExportError';
  }
}

/** Null where there is none. Throws an ExportError for one that cannot be read. */
export async function readManifest(directory: string): Promise<Manifest | null> {
  const path = join(directory, MANIFEST);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (text === null) return null;
  try {
    const parsed = manifest.safeParse(JSON.parse(text));
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    throw new ExportError(`${path} is no manifest: ${issue?.path.join('.')} ${issue?.message}`);
  } catch (error) {
    throw error instanceof SyntaxError ? new ExportError(`${path} is not JSON: ${error.message}`) : error;
  }
}

export function writeManifest(directory: string, of: Manifest): Promise<void> {
  return replaceFile(join(directory, MANIFEST), `${JSON.stringify(of, null, 2)}\n`);
}
