/**
 * http -> commands -> events <- projections ; audit -> events ; http -> access ; db below all ; app above all. Every import
 * from every layer to every layer is planted, and the linter must refuse exactly those against the arrows.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { lintPlants, type Findings, type Plant } from './plant.ts';
import { pureFiles } from './pure-files.ts';
import { sourceFolders } from './repository.ts';

const belowApp = [
  'vocabulary',
  'config',
  'db',
  'access',
  'events',
  'commands',
  'projections',
  'audit',
  'http',
];

/** What each layer may import; `type:x` stands for the types of x alone. `vocabulary` is src/money.ts and its like. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  vocabulary: ['vocabulary', 'config'],
  config: ['vocabulary'],
  db: ['vocabulary', 'type:config'],
  access: ['vocabulary', 'type:config', 'db'],
  events: ['vocabulary', 'type:config', 'db'],
  commands: ['vocabulary', 'type:config', 'db', 'events'],
  projections: ['vocabulary', 'type:config', 'db', 'events'],
  audit: ['vocabulary', 'type:config', 'db', 'events'],
  http: ['vocabulary', 'type:config', 'type:db', 'access', 'events', 'commands', 'projections'],
  app: [...belowApp, 'background', 'demo-data', 'ledger-services', 'readiness'],
  background: [...belowApp, 'app', 'demo-data', 'ledger-services', 'readiness'],
  'demo-data': [...belowApp, 'app', 'background', 'ledger-services', 'readiness'],
  'ledger-services': [...belowApp, 'app', 'background', 'demo-data', 'readiness'],
  readiness: [...belowApp, 'app', 'background', 'demo-data', 'ledger-services'],
  cli: [...belowApp, 'app', 'background', 'demo-data', 'ledger-services', 'readiness'],
  main: [...belowApp, 'app', 'background', 'demo-data', 'ledger-services', 'readiness', 'cli'],
};

const atRoot = ['app', 'background', 'config', 'demo-data', 'ledger-services', 'main', 'readiness'];
const folders = Object.keys(mayImport).filter((layer) => layer !== 'vocabulary' && !atRoot.includes(layer));

/** What is imported from a layer, relative to src. */
function target(layer: string): string {
  if (layer === 'vocabulary') return 'clock.ts';
  return atRoot.includes(layer) ? `${layer}.ts` : `${layer}/thing.ts`;
}

/** A file of the layer that imports, relative to src, and the way from it up to src. */
function importer(layer: string, options: { deep: boolean }): { file: string; up: string } {
  if (layer === 'vocabulary') return { file: 'vocabulary.ts', up: './' };
  if (atRoot.includes(layer)) return { file: `${layer}.ts`, up: './' };
  return options.deep
    ? { file: `${layer}/room/deep.ts`, up: '../../' }
    : { file: `${layer}/importer.ts`, up: '../' };
}

const targets = Object.fromEntries(
  [...folders.map(target), 'clock.ts'].map((file) => [
    `src/${file}`,
    'export const thing = 1n; export type Thing = bigint;',
  ]),
);

let serial = 0;

function plantImport(
  kind: 'value' | 'type' | 're-export' | 'import()',
  file: string,
  specifier: string,
): Plant {
  serial += 1;
  const name = `name${serial}`;
  const line = {
    value: `import { thing as ${name} } from '${specifier}'; export const use${name} = ${name};`,
    type: `import type { Thing as ${name} } from '${specifier}'; export type Use${name} = ${name};`,
    're-export': `export { thing as ${name} } from '${specifier}';`,
    'import()': `export const load${name} = async (): Promise<unknown> => await import('${specifier}');`,
  }[kind];
  return { file, line };
}

type Arrow = Plant & { from: string; what: string; allowed: boolean };

const arrows: Arrow[] = Object.keys(mayImport).flatMap((from) =>
  Object.keys(mayImport)
    .filter((to) => to !== from)
    .flatMap((to) => {
      const allowed = mayImport[from]?.includes(to) ?? false;
      const typeAllowed = allowed || (mayImport[from]?.includes(`type:${to}`) ?? false);
      const near = importer(from, { deep: false });
      const deep = importer(from, { deep: true });
      const plants: [string, Plant, boolean][] = [
        [`a value of ${to}`, plantImport('value', `src/${near.file}`, near.up + target(to)), allowed],
        [`a type of ${to}`, plantImport('type', `src/${near.file}`, near.up + target(to)), typeAllowed],
      ];
      if (deep.file !== near.file) {
        plants.push([
          `${to} from a subfolder`,
          plantImport('value', `src/${deep.file}`, deep.up + target(to)),
          allowed,
        ]);
      }
      if (!allowed) {
        plants.push(
          [`${to} by re-export`, plantImport('re-export', `src/${near.file}`, near.up + target(to)), false],
          [`${to} by import()`, plantImport('import()', `src/${near.file}`, near.up + target(to)), false],
        );
      }
      return plants.map(([what, plant, isAllowed]) => ({ ...plant, from, what, allowed: isAllowed }));
    }),
);

const detours: Arrow[] = folders
  .filter((layer) => layer !== 'cli')
  .flatMap((from) =>
    ['./../cli/thing.ts', '../../src/cli/thing.ts', '.././cli/thing.ts', '../db/../cli/thing.ts'].map(
      (path) => ({
        ...plantImport('value', `src/${from}/detour.ts`, path),
        from,
        what: `cli as ${path}`,
        allowed: false,
      }),
    ),
  );

function plantPackage(layer: string, name: string, options: { allowed: boolean }): Arrow {
  serial += 1;
  const line = `import * as name${serial} from '${name}'; export const use${serial} = name${serial};`;
  const { file } = importer(layer, { deep: false });
  return { file: `src/${file}`, line, from: layer, what: name, ...options };
}

const packages: Arrow[] = [
  ...folders.flatMap((layer) => {
    const allowed = layer === 'http' || layer === 'cli';
    return ['fastify', '@fastify/swagger'].map((name) => plantPackage(layer, name, { allowed }));
  }),
  ...folders.flatMap((layer) => {
    const allowed = layer !== 'http';
    return ['pg', 'pg-boss'].map((name) => plantPackage(layer, name, { allowed }));
  }),
];

const environments: Arrow[] = Object.keys(mayImport).flatMap((layer) =>
  ['process', 'node:process'].map((name) => {
    serial += 1;
    const line = `import { env as name${serial} } from '${name}'; export const use${serial} = name${serial};`;
    const { file } = importer(layer, { deep: false });
    const allowed = layer === 'main'; // src/config.ts says process.env
    return { file: `src/${file}`, line, from: layer, what: `env of ${name}`, allowed };
  }),
);

const rule = 'eslint(no-restricted-imports)';
const isRefused = (findings: Findings, plant: Plant) => findings.get(plant)?.includes(rule) ?? false;

describe('Every folder of src', () => {
  test('has arrows', () => {
    assert.deepEqual(
      sourceFolders().filter((folder) => !folders.includes(folder)),
      [],
    );
  });
});

describe('An import', () => {
  const all = [...arrows, ...detours, ...packages, ...environments];
  const findings = lintPlants(all, targets);
  for (const [from, planted] of Map.groupBy(all, (arrow) => arrow.from)) {
    test(`against the arrows is refused, along them it passes: from ${from}`, () => {
      const wrong = planted.filter((arrow) => isRefused(findings, arrow) === arrow.allowed);
      assert.deepEqual(
        wrong.map(({ what, file, allowed }) => `${file}: ${what} ${allowed ? 'was refused' : 'passed'}`),
        [],
      );
    });
  }
});

describe('A pure file', () => {
  const forbidden = [
    `import pg from 'pg'; export const a = pg;`,
    `import { PgBoss } from 'pg-boss'; export const b = PgBoss;`,
    `import type { PoolClient } from 'pg'; export type C = PoolClient;`,
    `import { readFileSync } from 'node:fs'; export const d = readFileSync;`,
    `import { randomUUID } from 'node:crypto'; export const e = randomUUID;`,
    `import Fastify from 'fastify'; export const f = Fastify;`,
    `import { pino } from 'pino'; export const g = pino;`,
    `export const h = (): number => Date.now();`,
    `export const i = (): number => Math.random();`,
    `export const j = (): string => crypto.randomUUID();`,
    `export const k = (): number => performance.now();`,
    `export const l = (): void => { setTimeout(() => {}, 1); };`,
    `export const m = async (): Promise<void> => { await Promise.resolve(); };`,
    `export const n = (): unknown => process.memoryUsage();`,
    `export const o = (): unknown => globalThis.fetch;`,
  ];
  const plants = pureFiles.flatMap((file) => forbidden.map((line) => ({ file, line })));
  const inFolders = pureFiles.filter((file) => file.split('/').length === 3);
  const db = inFolders.map((file) => plantImport('type', file, '../db/thing.ts'));
  const outOfRoot = pureFiles
    .filter((file) => !inFolders.includes(file))
    .flatMap((file) => ['./config.ts', './db/thing.ts'].map((path) => plantImport('type', file, path)));
  const clean = inFolders.map((file) => ({
    file,
    line: `import { z } from 'zod'; import { thing } from '../clock.ts'; export const schema = z.literal(thing);`,
  }));
  const findings = lintPlants([...plants, ...db, ...outOfRoot, ...clean], targets);
  for (const file of pureFiles) {
    test(`does no I/O and knows neither time nor chance: ${file}`, () => {
      const passed = [...plants, ...db, ...outOfRoot].filter(
        (plant) => plant.file === file && !findings.has(plant),
      );
      assert.deepEqual(
        passed.map(({ line }) => line),
        [],
      );
    });
  }
  test('may import zod and vocabulary', () => {
    assert.deepEqual(
      clean.filter((plant) => findings.has(plant)),
      [],
    );
  });
});
