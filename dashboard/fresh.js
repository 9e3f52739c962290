/**
 * Builds the dashboard when what was built is not of these sources: `npm ci` runs this file, and `npm start` loads it
 * before the service, where it costs a few milliseconds. Plain JavaScript, since npm may run it with an older Node.
 * Where the build tools are not installed nothing happens: the service then says at `/` how to build.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { digestOfSources } from './sources.js';

const here = fileURLToPath(new URL('.', import.meta.url));
const builtFrom = `${here}dist/sources.sha256`;

function isFresh() {
  return existsSync(builtFrom) && readFileSync(builtFrom, 'utf8') === digestOfSources();
}

const canBuild = existsSync(`${here}../node_modules/vite/package.json`) && existsSync(`${here}build.ts`);

// What is loaded before the service is loaded by its threads too.
if (isMainThread && canBuild && !isFresh()) {
  const { status } = spawnSync(process.execPath, [`${here}build.ts`], { stdio: 'inherit' });
  if (status !== 0) console.error('The dashboard was not built: npm run dashboard:build tells why.');
}
