/** Files that auditors hand in. */
import { readFile } from 'node:fs/promises';
import { NoteError, parseVkey } from '../audit/sealed/note.ts';

/** The vkeys of a file, one a line. Throws a NoteError for a line that is none, and for a file without any: who names a file wants no other keys trusted. */
export async function readKeyFile(path: string): Promise<string[]> {
  const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line.trim() !== '');
  if (lines.length === 0) throw new NoteError(`${path} cannot be used: There is no key in it.`);
  for (const line of lines) parseVkey(line);
  return lines;
}
