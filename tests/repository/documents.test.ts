import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { repositoryRoot, sourceFolders } from './repository.ts';

const documents = globSync('{*.md,{src,docs,tests,bench,migrations}/**/*.md}', { cwd: repositoryRoot });

function read(path: string): string {
  return readFileSync(join(repositoryRoot, path), 'utf8');
}

/** Links of a document to files beside it, without the part after #. */
function linkedFiles(document: string): string[] {
  const targets = [...read(document).matchAll(/\]\((?!\w+:|#|\/)(?<target>[^)#\s]+)[^)]*\)/g)];
  return targets.map(({ groups }) => join(dirname(document), groups?.['target'] ?? ''));
}

describe('The documents', () => {
  test('link to files that exist', () => {
    assert.ok(documents.includes('CONTRIBUTING.md'));
    const broken = documents.flatMap((document) =>
      linkedFiles(document)
        .filter((file) => !existsSync(join(repositoryRoot, file)))
        .map((file) => `${document}: ${file}`),
    );
    assert.deepEqual(broken, []);
  });

  for (const folder of sourceFolders()) {
    test(`introduce src/${folder} in at most 15 lines`, () => {
      const lines = read(`src/${folder}/README.md`).trimEnd().split('\n');
      assert.ok(lines.length <= 15, `${lines.length} lines`);
    });
  }

  test('state the licence that package.json names, whole', () => {
    const { license } = JSON.parse(read('package.json')) as { license: string };
    assert.equal(license, 'Apache-2.0');
    assert.match(read('LICENSE'), /^\s+Apache License\s+Version 2\.0, January 2004\s/);
    assert.match(read('LICENSE'), /END OF TERMS AND CONDITIONS/);
  });

  test('give newcomers the commands that .ci/run runs', () => {
    const promised = [...read('.ci/run').matchAll(/^\w+_command='(?<command>.+)'$/gm)];
    assert.equal(promised.length, 2);
    for (const { groups } of promised) assert.ok(read('README.md').includes(groups?.['command'] ?? '?'));
    assert.notEqual(statSync(join(repositoryRoot, '.ci/run')).mode & 0o100, 0, '.ci/run is not executable');
  });
});
