/** Files of an export beside its events, held against what the manifest says of them. A missing one, or another one, is a finding. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import type { FindingList } from '../fold/finding.ts';
import { ExportError } from './manifest.ts';
import { boundedLines } from '../rows/bounded-lines.ts';

export type NamedFile = { readonly file: string; readonly sha256: string };

/** Calls `onLine` with each line that is not empty, as long as the file can be read. Resolves to how many there were. */
export async function eachLine(
  directory: string,
  named: NamedFile,
  findings: FindingList,
  onLine: (line: string, number: number) => void,
): Promise<number> {
  const digest = createHash('sha256');
  let count = 0;
  try {
    for await (const lines of boundedLines(hashed(join(directory, named.file), digest)))
      for (const line of lines) {
        if (line === '') continue;
        count += 1;
        onLine(line, count);
      }
  } catch (error) {
    // What the caller says of a line is not about the file.
    if (!(error instanceof Error) || error instanceof ExportError) throw error;
    reportFile(findings, named, 'a file that can be read', error.message);
    return count;
  }
  const sha256 = digest.digest('hex');
  if (sha256 !== named.sha256) reportFile(findings, named, `SHA-256 ${named.sha256}`, sha256);
  return count;
}

/** As eachLine, of a file of which the manifest says how many lines it has. */
export async function eachCountedLine(
  directory: string,
  named: NamedFile & { readonly count: number },
  findings: FindingList,
  onLine: (line: string, number: number) => void,
): Promise<void> {
  const found = await eachLine(directory, named, findings, onLine);
  if (found !== named.count) reportFile(findings, named, `${named.count} lines`, `${found} lines`);
}

async function* hashed(path: string, digest: ReturnType<typeof createHash>): AsyncGenerator<Buffer> {
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    digest.update(chunk);
    yield chunk;
  }
}

function reportFile(findings: FindingList, { file }: NamedFile, expected: string, found: string): void {
  const nowhere = { position: null, walletId: null };
  findings.add({ check: 'files', ...nowhere, expected: `${file}: ${expected}`, found });
}
