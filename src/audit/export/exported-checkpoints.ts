/** The checkpoints of an export, and those that somebody kept, as what its events have to agree with. */
import { z } from 'zod';
import { createExpectedCheckpoints, type ExpectedCheckpoints } from '../fold/expected-checkpoints.ts';
import type { FindingList } from '../fold/finding.ts';
import { CheckpointError, openCheckpoint, type Checkpoint } from '../sealed/checkpoint.ts';
import { NoteError, parseVkey, type VerifierKey } from '../sealed/note.ts';
import { eachCountedLine, eachLine } from './hashed-file.ts';
import type { Manifest } from './manifest.ts';

const checkpointLine = z.object({ note: z.string() });

/** Rejects with a CheckpointError for a kept checkpoint that cannot be used. */
export async function readExportedCheckpoints(
  {
    directory,
    trusted,
    kept,
  }: { readonly directory: string; readonly trusted: readonly string[]; readonly kept: readonly string[] },
  manifest: Manifest,
  findings: FindingList,
): Promise<ExpectedCheckpoints> {
  const exported: string[] = [];
  if (manifest.publicKey !== null)
    await eachLine(directory, manifest.publicKey, findings, (line) => void exported.push(line));
  const keys = (trusted.length > 0 ? trusted : exported).flatMap(parsedKey);
  const expected = createExpectedCheckpoints(report);
  const begin = BigInt(manifest.from) - 1n;

  function report(size: bigint | null, wanted: string, found: string): void {
    const place = { position: size?.toString() ?? null, walletId: null };
    findings.add({ check: 'checkpoints', ...place, expected: wanted, found });
  }

  function add(checkpoint: Checkpoint): void {
    // Of a tree that ends before the export begins nothing can be said.
    if (checkpoint.size < begin) return;
    expected.expect(checkpoint);
    if (checkpoint.size > BigInt(manifest.to))
      report(checkpoint.size, `${checkpoint.size} events`, `the export ends at ${manifest.to}`);
  }

  for (const note of kept) {
    const checkpoint = openCheckpoint(note, keys);
    if (checkpoint.size < begin)
      throw new CheckpointError(
        `A kept checkpoint is of ${checkpoint.size} events, before the beginning of the export.`,
      );
    add(checkpoint);
  }
  const { checkpoints } = manifest;
  if (checkpoints !== null)
    await eachCountedLine(directory, checkpoints, findings, (line, number) => {
      try {
        add(openCheckpoint(checkpointLine.parse(JSON.parse(line)).note, keys));
      } catch (error) {
        if (
          !(error instanceof CheckpointError || error instanceof SyntaxError || error instanceof z.ZodError)
        )
          throw error;
        report(null, `line ${number} of the checkpoints to be signed`, error.message);
      }
    });
  return expected;
}

/** One that is none opens nothing; that the file is another one is said of the file. */
function parsedKey(vkey: string): VerifierKey[] {
  try {
    return [parseVkey(vkey)];
  } catch (error) {
    if (error instanceof NoteError) return [];
    throw error;
  }
}
