/** Files that auditors hand in. */
import { readFile } from 'node:fs/promises';
import { parseVkey } from '../audit/sealed/note.ts';

/** The vkeys of a file, one a line. Throws a NoteError for a line that is none. */
export async function readKeyFile(path: string): Promise<string[]> {
  const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line.trim() !== '');
  for (const line of lines) parseVkey(line);
  return lines;
}
