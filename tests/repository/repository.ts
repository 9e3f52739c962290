import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The top of the checkout, without a slash at its end. */
export const repositoryRoot = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** The folders of src: each is a layer with rules of its own about what it may import. */
export function sourceFolders(): string[] {
  return readdirSync(`${repositoryRoot}/src`, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .filter((folder) => readdirSync(`${repositoryRoot}/src/${folder}`).length > 0);
}
