/**
 * Builds the dashboard into dashboard/dist, with each file compressed beside it. It is built elsewhere and then moved into
 * place, so that a service that is running always serves a whole one.
 */
import { existsSync, globSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { build } from 'vite';
import { digestOfSources } from './sources.js';
import { viteConfig } from './vite.ts';

const dist = fileURLToPath(new URL('dist', import.meta.url));
const building = fileURLToPath(new URL(`.building-${process.pid}`, import.meta.url));

const outdated = `${building}-outdated`;

const digest = digestOfSources();
try {
  await build({ ...viteConfig, logLevel: 'warn', build: { ...viteConfig.build, outDir: building } });
  for (const file of globSync(`${building}/**/*.{html,js,css,svg}`)) {
    const content = readFileSync(file);
    writeFileSync(`${file}.br`, brotliCompressSync(content));
    writeFileSync(`${file}.gz`, gzipSync(content, { level: 9 }));
  }
  writeFileSync(`${building}/sources.sha256`, digest);
  if (existsSync(dist)) renameSync(dist, outdated);
  renameSync(building, dist);
  console.log('The dashboard is built: dashboard/dist');
} finally {
  for (const folder of [building, outdated]) rmSync(folder, { recursive: true, force: true });
}
