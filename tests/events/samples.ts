/** What was once stored stays readable: the samples of every event type and version that was ever written. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';

const directory = new URL('samples/', import.meta.url);

export type Sample = {
  readonly file: string;
  readonly name: string;
  readonly type: string;
  readonly version: number;
  readonly data: Readonly<Record<string, unknown>>;
};

type SampleFile = { type: string; version: number; samples: Record<string, Sample['data']> };

export const sampleFiles: readonly string[] = readdirSync(directory).filter((file) => file.endsWith('.json'));

export const samples: readonly Sample[] = sampleFiles.flatMap((file) => {
  const { type, version, samples: named } = JSON.parse(readText(file)) as SampleFile;
  return Object.entries(named).map(([name, data]) => ({ file, name, type, version, data }));
});

/** What SHA256SUMS says (`sha256sum -c` understands it too) against what the files have now. */
export function digestsOfSamples(): { listed: Map<string, string>; found: Map<string, string> } {
  const lines = readText('SHA256SUMS').trimEnd().split('\n');
  const listed = lines.map((line): [string, string] => [line.slice(66), line.slice(0, 64)]);
  const found = sampleFiles.map((file): [string, string] => {
    return [file, createHash('sha256').update(readText(file)).digest('hex')];
  });
  return { listed: new Map(listed), found: new Map(found) };
}

function readText(file: string): string {
  return readFileSync(new URL(file, directory), 'utf8');
}
