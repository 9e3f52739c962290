/**
 * The linter sees what a pure file imports itself. This follows the imports to their end: nothing that a
 * pure file reaches may do I/O, read a clock, roll dice or wait.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, normalize } from 'node:path';
import { describe, test } from 'node:test';
import { pureFiles } from './pure-files.ts';
import { repositoryRoot } from './repository.ts';

/** Packages that compute and do nothing else. */
const purePackages = ['zod', 'canonicalize'];

/** Imports that exist at run time: those of types do not. */
const imports =
  /\b(?:import|export)\b(?!\s+type\b)[^'"();]*\bfrom\s*['"]([^'"]+)['"]|\bimport\s*\(?\s*['"]([^'"]+)['"]/g;
const impurities = [
  /\bDate\.now\b/,
  /\bnew Date\(\s*\)/,
  /\bMath\.random\b/,
  /\bcrypto\.(?:random|getRandom)/,
  /\bperformance\.now\b/,
  /\bprocess\./,
  /\bset(?:Timeout|Interval|Immediate)\b/,
  /\bfetch\(/,
  /\bawait\b/,
];

/** What is impure in everything that `entries` reach under `root`, each with the way to it. */
function impureReach(root: string, entries: readonly string[]): string[] {
  const faults: string[] = [];
  const ways = new Map(entries.map((entry) => [entry, entry]));
  for (const [file, way] of ways) {
    const code = readCode(join(root, file));
    for (const impurity of impurities) {
      const found = impurity.exec(code);
      if (found !== null) faults.push(`${way} has ${found[0]}`);
    }
    for (const [, from, bare] of code.matchAll(imports)) {
      const specifier = from ?? bare ?? '';
      const target = normalize(join(dirname(file), specifier));
      if (!specifier.startsWith('.')) {
        if (!purePackages.includes(specifier)) faults.push(`${way} imports ${specifier}`);
      } else if (!ways.has(target)) {
        ways.set(target, `${way} > ${target}`);
      }
    }
  }
  return faults;
}

/** The code without its comments. */
function readCode(path: string): string {
  return readFileSync(path, 'utf8').replaceAll(/\/\*[^]*?\*\/|(?<=^|\s)\/\/.*$/gm, '');
}

describe('The pure files', () => {
  test('reach nothing impure', () => {
    assert.deepEqual(impureReach(repositoryRoot, pureFiles), []);
  });
});

describe('The search for impure code', () => {
  const sources = {
    'src/events/evolve.ts': `/* Date.now */ import type { Client } from 'pg';\nimport { f } from './helper.ts'; // await\nexport const evolve = f;`,
    'src/events/helper.ts': `export { f } from '../commands/clock.ts';\nimport { z } from 'zod';\nexport const schema = z.string();`,
    'src/commands/clock.ts': `import {\n  readFileSync,\n} from 'node:fs';\nimport 'pino';\nexport const f = () => new Date();`,
  };
  const root = mkdtempSync(join(tmpdir(), 'coffer-purity-'));
  try {
    for (const [file, source] of Object.entries(sources)) {
      mkdirSync(dirname(join(root, file)), { recursive: true });
      writeFileSync(join(root, file), source);
    }
    const way = 'src/events/evolve.ts > src/events/helper.ts > src/commands/clock.ts';
    const faults = impureReach(root, ['src/events/evolve.ts']);
    test('goes through every file between, and leaves out types and comments', () => {
      assert.deepEqual(faults, [`${way} has new Date()`, `${way} imports node:fs`, `${way} imports pino`]);
    });
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
