/** What the built dashboard depends on, as one digest: its sources, and the versions of the packages in it. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const BUILT = /^(?:dist|\.building-)/;

/** @returns {string} SHA-256, in hexadecimal */
export function digestOfSources() {
  const digest = createHash('sha256');
  const files = readdirSync(here, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !BUILT.test(path.slice(here.length)));
  for (const path of [...files.sort(), join(here, '../package-lock.json')]) {
    digest
      .update(`${path.slice(here.length)}\0`)
      .update(readFileSync(path))
      .update('\0');
  }
  return digest.digest('hex');
}
