import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { askProcess } from '../child-process.ts';
import type { Generator, LoadResult } from './generator.ts';

export function createAutocannon(): Generator {
  const manifest = createRequire(import.meta.url).resolve('autocannon/package.json');
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  const script = new URL('./autocannon-process.ts', import.meta.url);
  return { name: `autocannon ${version}`, run: (load) => askProcess<LoadResult>(script, load) };
}
