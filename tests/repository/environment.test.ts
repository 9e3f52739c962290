import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { parseEnv } from 'node:util';
import { parse } from 'yaml';
import { readConfig } from '../../src/config.ts';
import { repositoryRoot } from './repository.ts';

const example = readFileSync(`${repositoryRoot}/.env.example`, 'utf8');

function documentedNames(): string[] {
  return [...example.matchAll(/^([A-Z][A-Z0-9_]+)=/gm)].map(([, name]) => name ?? '');
}

/** The names src/config.ts reads: members of its table, or members of `env`. */
function readNames(): string[] {
  const source = readFileSync(`${repositoryRoot}/src/config.ts`, 'utf8');
  const members = source.matchAll(/^ {2}([A-Z][A-Z0-9_]+):|\benv(?:\.|\[')([A-Z][A-Z0-9_]+)/gm);
  return [...new Set([...members].map(([, row, member]) => row ?? member ?? ''))];
}

describe('.env.example', () => {
  test('documents every variable that is read, in the order of src/config.ts, and no other', () => {
    assert.ok(readNames().includes('PORT'));
    assert.deepEqual(documentedNames(), readNames());
  });

  test('says a word about each', () => {
    for (const paragraph of example.trimEnd().split('\n\n')) assert.match(paragraph, /^# /);
  });

  test('states the defaults', () => {
    assert.deepEqual(readConfig(parseEnv(example)), readConfig({}));
  });
});

describe('docker-compose.yml', () => {
  test('sets only variables that are read', () => {
    const compose = parse(readFileSync(`${repositoryRoot}/docker-compose.yml`, 'utf8'), { merge: true }) as {
      services: Record<string, { environment: Record<string, string> }>;
    };
    const set = Object.keys(compose.services['api']?.environment ?? {});
    assert.deepEqual(
      set.filter((name) => !readNames().includes(name)),
      [],
    );
  });
});
