/**
 * No test has a Docker engine to try the file with, so what can be wrong in it is looked at here: keys that
 * Compose would refuse, values that YAML reads as something else, services that start too early.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { repositoryRoot } from './repository.ts';

type Service = {
  image: string;
  build?: string;
  command?: string[];
  restart: string;
  environment: Record<string, string>;
  ports?: string[];
  volumes?: string[];
  healthcheck: { test: string[] } | { disable: true };
  depends_on?: Record<string, { condition: string }>;
};
type Compose = { services: Record<string, Service>; volumes: Record<string, null> };

const text = { type: 'string' };
const texts = { type: 'array', items: text, minItems: 1 };
const duration = { type: 'string', pattern: '^[0-9]+(?:ms|s|m)$' };
const closed = { type: 'object', additionalProperties: false };

/** What this file uses of the Compose Specification, and no more: a misspelt key is an error. */
const service = {
  ...closed,
  required: ['image', 'restart', 'stop_grace_period', 'environment', 'healthcheck'],
  properties: {
    image: { type: 'string', pattern: '^[a-z/]+:[a-z0-9.-]+$', not: { pattern: ':latest$' } },
    build: text,
    command: texts,
    restart: { type: 'string', pattern: '^(?:no|unless-stopped)$' },
    stop_grace_period: duration,
    shm_size: { type: 'string', pattern: '^[0-9]+(?:mb|gb)$' },
    environment: { type: 'object', additionalProperties: text },
    ports: texts,
    volumes: texts,
    healthcheck: {
      oneOf: [
        { ...closed, required: ['disable'], properties: { disable: { const: true } } },
        {
          ...closed,
          required: ['test', 'interval', 'timeout', 'retries', 'start_period'],
          properties: {
            test: { ...texts, minItems: 2 },
            interval: duration,
            timeout: duration,
            retries: { type: 'integer', minimum: 1 },
            start_period: duration,
          },
        },
      ],
    },
    depends_on: {
      type: 'object',
      additionalProperties: {
        ...closed,
        required: ['condition'],
        properties: { condition: { enum: ['service_healthy', 'service_completed_successfully'] } },
      },
    },
  },
};
const schema = {
  ...closed,
  required: ['services', 'volumes'],
  properties: {
    services: { type: 'object', additionalProperties: service },
    volumes: { type: 'object', additionalProperties: { type: 'null' } },
  },
  patternProperties: { '^x-': {} },
};

const path = `${repositoryRoot}/docker-compose.yml`;
const compose = parse(readFileSync(path, 'utf8'), { merge: true }) as Compose;
const dockerfile = readFileSync(`${repositoryRoot}/Dockerfile`, 'utf8');

function serviceNamed(name: string): Service {
  const found = compose.services[name];
  assert.ok(found, `there is no service ${name}`);
  return found;
}

function conditions(name: string): Record<string, string> {
  const needed = Object.entries(serviceNamed(name).depends_on ?? {});
  return Object.fromEntries(needed.map(([on, { condition }]) => [on, condition]));
}

/** The test of a service's health check as one line. */
function healthTest(name: string): string {
  const { healthcheck } = serviceNamed(name);
  assert.ok('test' in healthcheck, `${name} has no health check`);
  assert.equal(healthcheck.test[0], 'CMD');
  return healthcheck.test.slice(1).join(' ');
}

describe('docker-compose.yml', () => {
  test('has only keys and values that Compose understands', () => {
    const ajv = new Ajv({ allErrors: true, strict: false });
    assert.ok(ajv.validate(schema, compose), JSON.stringify(ajv.errors, null, 2));
  });

  test('is accepted by docker compose, where that is installed', () => {
    const version = spawnSync('docker', ['compose', 'version']);
    if (version.status !== 0) return;
    const { status, stderr } = spawnSync('docker', ['compose', '--file', path, 'config', '--quiet']);
    assert.equal(status, 0, stderr.toString());
  });

  test('runs PostgreSQL, the migrations, the API and the worker', () => {
    assert.deepEqual(Object.keys(compose.services), ['postgres', 'migrate', 'api', 'worker']);
    for (const role of ['migrate', 'api', 'worker']) assert.deepEqual(serviceNamed(role).command, [role]);
  });

  test('starts each service after what it needs', () => {
    const migrated = { postgres: 'service_healthy', migrate: 'service_completed_successfully' };
    assert.deepEqual(conditions('migrate'), { postgres: 'service_healthy' });
    assert.deepEqual(conditions('api'), migrated);
    assert.deepEqual(conditions('worker'), migrated);
  });

  test('asks the API whether it is ready, and PostgreSQL over TCP', () => {
    assert.match(healthTest('api'), /^node -e .*127\.0\.0\.1:3000\/ready/);
    assert.match(healthTest('postgres'), /^pg_isready --host=127\.0\.0\.1 /);
  });

  test("has health check code that Node can read, as has the image's", () => {
    const [, ofImage] = /"-e", "(?<code>[^"]+)"\]/.exec(dockerfile) ?? [];
    assert.ok(ofImage);
    for (const code of [healthTest('api').replace('node -e ', ''), ofImage]) {
      const { status, stderr } = spawnSync(process.execPath, ['--check', '--input-type=module', '-'], {
        input: code,
      });
      assert.equal(status, 0, stderr.toString());
    }
  });

  test('shows the API to this machine only', () => {
    assert.equal(serviceNamed('api').environment['HOST'], '0.0.0.0');
    const published = Object.values(compose.services).flatMap(({ ports }) => ports ?? []);
    assert.deepEqual(published, ['127.0.0.1:${PORT:-3000}:3000']);
  });

  test('keeps the data in a declared volume, where the image of PostgreSQL 18 looks for it', () => {
    const mounted = Object.values(compose.services).flatMap(({ volumes }) => volumes ?? []);
    assert.deepEqual(mounted, ['postgres-data:/var/lib/postgresql', 'audit-key:/var/lib/coffer']);
    assert.deepEqual(Object.keys(compose.volumes), ['postgres-data', 'audit-key']);
  });

  test("keeps the audit key of the worker in the image's data directory, which belongs to its user", () => {
    assert.deepEqual(serviceNamed('worker').volumes, ['audit-key:/var/lib/coffer']);
    assert.match(dockerfile, /^ENV .*COFFER_DATA_DIR=\/var\/lib\/coffer$/m);
    assert.match(dockerfile, /^RUN install -d -o node -g node -m 0700 \/var\/lib\/coffer$/m);
  });

  test('gives the service the database and the password that PostgreSQL is given', () => {
    const { POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB } = serviceNamed('postgres').environment;
    for (const role of ['migrate', 'api', 'worker']) {
      assert.equal(
        serviceNamed(role).environment['DATABASE_URL'],
        `postgres://${POSTGRES_USER}:${POSTGRES_PASSWORD}@postgres:5432/${POSTGRES_DB}`,
      );
    }
  });
});

describe('The image', () => {
  test('is built from pinned images, and runs the sources as an ordinary user', () => {
    assert.deepEqual(
      [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image),
      ['node:26-slim', 'node:26-slim', 'node:26-slim'],
    );
    assert.match(dockerfile, /^USER node$/m);
    assert.match(dockerfile, /^STOPSIGNAL SIGTERM$/m);
    assert.match(dockerfile, /^ENTRYPOINT \["node", .*"src\/main\.ts"\]$/m);
  });

  test('copies nothing that .dockerignore keeps away', () => {
    const allowed = readFileSync(`${repositoryRoot}/.dockerignore`, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, sources]) =>
      (sources ?? '').split(' '),
    );
    assert.deepEqual([...new Set(copied)].toSorted(), allowed.toSorted());
  });
});
