/**
 * npm ci is the first command of a newcomer and of the image: what it installs has to be what was tested,
 * from whatever registry is configured, and all that the sources import.
 */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { describe, test } from 'node:test';
import { repositoryRoot } from './repository.ts';

type Manifest = Record<'dependencies' | 'devDependencies', Record<string, string>>;
type Locked = Partial<Manifest> & {
  resolved?: string;
  integrity?: string;
  optionalDependencies?: Record<string, string>;
};
type Lock = { packages: Record<string, Locked> };

const manifest = readJson<Manifest>('package.json');
const lock = readJson<Lock>('package-lock.json');

function readJson<Content>(name: string): Content {
  return JSON.parse(readFileSync(`${repositoryRoot}/${name}`, 'utf8')) as Content;
}

/** Packages the files import, types included: without them the sources do not compile. */
function importedPackages(pattern: string): string[] {
  const imports = /\b(?:from\s+|import\s*\(?\s*)'(?<specifier>[^'.#\s][^'\s]*)'/g;
  const specifiers = globSync(pattern, { cwd: repositoryRoot }).flatMap((file) =>
    [...readFileSync(`${repositoryRoot}/${file}`, 'utf8').matchAll(imports)].map(
      ({ groups }) => groups?.['specifier'] ?? '',
    ),
  );
  const names = specifiers
    .filter((specifier) => !isBuiltin(specifier))
    .map((specifier) => specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/'));
  return [...new Set(names)];
}

/** Dependencies that a locked package has and the lock file lacks, as `dependent > name`. */
function missingFrom(packages: Lock['packages']): string[] {
  return Object.entries(packages).flatMap(([path, { dependencies, devDependencies, optionalDependencies }]) =>
    Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies })
      .filter((name) => !lookupPaths(path, name).some((candidate) => candidate in packages))
      .map((name) => `${path} > ${name}`),
  );
}

/** Where Node looks for `name` from a package: beside it, and in every folder of packages around it. */
function lookupPaths(path: string, name: string): string[] {
  const around = path
    .split('/node_modules/')
    .map((_, index, parts) => parts.slice(0, index + 1).join('/node_modules/'));
  return [`node_modules/${name}`, ...around.map((folder) => `${folder}/node_modules/${name}`)];
}

describe('package.json', () => {
  test('names one exact version of each dependency', () => {
    const versions = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
    assert.ok(versions.length > 0);
    for (const [name, version] of versions) assert.match(version, /^\d+\.\d+\.\d+(?:-[\w.]+)?$/, name);
  });

  test('lists every package the service imports as a dependency, not as one of development', () => {
    const imported = importedPackages('src/**/*.ts');
    assert.ok(imported.includes('pg'));
    assert.deepEqual(
      imported.filter((name) => !(name in manifest.dependencies)),
      [],
    );
  });
});

describe('package-lock.json', () => {
  const { '': root, ...installed } = lock.packages;

  test('agrees with package.json', () => {
    assert.deepEqual(root?.dependencies, manifest.dependencies);
    assert.deepEqual(root?.devDependencies, manifest.devDependencies);
  });

  test('holds everything its packages ask for, those of other platforms too, or npm ci refuses it', () => {
    assert.deepEqual(missingFrom(lock.packages), []);
  });

  test('holds no addresses, so that any registry serves it', () => {
    const addressed = Object.entries(installed).filter(([, { resolved }]) => resolved !== undefined);
    assert.deepEqual(
      addressed.map(([path]) => path),
      [],
    );
  });

  test('holds the digest of everything it installs', () => {
    const unproven = Object.entries(installed).filter(([, { integrity }]) => integrity === undefined);
    assert.deepEqual(
      unproven.map(([path]) => path),
      [],
    );
  });
});
