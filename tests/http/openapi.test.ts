import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { problemTable } from '../../src/http/problems.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startService, type Service } from '../support/service.ts';

const ROUTES = `
GET /
GET /health
GET /ready
GET /metrics
GET /users
GET /users/{userId}
GET /users/{userId}/wallets
GET /assets
GET /assets/{slug}/activity
GET /wallets/{id}
GET /wallets/{id}/history
GET /wallets/{userId}/{assetSlug}/balance
GET /transactions/{id}
GET /transactions
GET /idempotency-keys/{key}
GET /events
GET /events/stream
GET /operations
GET /projections
GET /projections/rebuilds
POST /projections/{name}/rebuild
POST /projections/{name}/rollback
GET /audit/checkpoint
GET /audit/export
GET /audit/public-keys
GET /audit/verifications
GET /audit/verifications/{id}
POST /audit/verifications
GET /audit/proofs/consistency
GET /audit/proofs/inclusion
GET /audit/trial-balance
GET /problems/{code}
GET /openapi.json
GET /keys
POST /keys
POST /keys/{id}/revoke
POST /keys/{id}/rotate
POST /users
POST /users/{userId}/status
POST /users/{userId}/erase
POST /assets
POST /assets/{slug}/status
POST /wallets/{id}/status
POST /transactions/topup
POST /transactions/spend
POST /transactions/bonus
POST /transactions/transfer
POST /transactions/exchange
POST /transactions
POST /transactions/batch
POST /transactions/{id}/reverse
POST /holds
POST /holds/{id}/capture
POST /holds/{id}/release
GET /holds
GET /holds/{id}
POST /scheduled/{id}/cancel
GET /scheduled
GET /scheduled/{id}
GET /wallets
GET /wallets/{id}/explain
GET /wallets/{id}/daily-balances
GET /wallets/{id}/lots
GET /wallets/{id}/limits
POST /wallets/{id}/limits
POST /wallets/{id}/overdraft
POST /assets/{slug}/limits`
  .trim()
  .split('\n');

// oxlint-disable-next-line typescript/no-explicit-any -- a document of many shapes
type Any = any;

let database: TestDatabase;
let service: Service;
let document: Any;
let operations: { name: string; operation: Any }[];

before(async () => {
  database = await createTestDatabase();
  service = await startService(database);
  document = (await service.get('/openapi.json')).body;
  operations = Object.entries<Any>(document.paths).flatMap(([path, methods]) =>
    Object.entries<Any>(methods).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      operation,
    })),
  );
});

after(async () => {
  await service.close();
  await database.drop();
});

/** Every object of the document, wherever it stands. */
function* objectsIn(value: unknown): Generator<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield value as Record<string, unknown>;
  for (const inner of Object.values(value)) yield* objectsIn(inner);
}

function resolve(pointer: string): unknown {
  return pointer
    .slice(2)
    .split('/')
    .reduce<Any>((node, name) => node?.[name], document);
}

function headersOf(response: Any): string[] {
  return Object.keys(response.headers ?? {});
}

test('the document is valid OpenAPI 3.1', async () => {
  assert.equal(document.openapi, '3.1.0');
  const result = await new Validator().validate(structuredClone(document));
  assert.deepEqual(result.errors ?? [], []);
  assert.equal(result.valid, true);
});

test('every route of the service is in it, and nothing else', () => {
  const names = operations.map(({ name }) => name).sort();
  assert.deepEqual(names, ROUTES.toSorted());
});

test('every operation has a name of its own, a summary and a tag that is declared', () => {
  const ids = operations.map(({ operation }) => operation.operationId);
  assert.equal(new Set(ids).size, ROUTES.length);
  const tags = document.tags.map(({ name }: { name: string }) => name);
  for (const { name, operation } of operations) {
    assert.match(operation.operationId, /^[a-z][A-Za-z]+$/, name);
    assert.ok(operation.summary, name);
    assert.ok(
      operation.tags.every((tag: string) => tags.includes(tag)),
      name,
    );
  }
});

test('every reference leads somewhere', () => {
  const references = [...objectsIn(document)].flatMap(({ $ref }) => (typeof $ref === 'string' ? [$ref] : []));
  assert.ok(references.length > 100);
  for (const reference of references) assert.notEqual(resolve(reference), undefined, reference);
});

test('the resources are named schemas, and none of them is unused', () => {
  const named = Object.keys(document.components.schemas);
  const text = JSON.stringify(document);
  for (const name of [
    'User',
    'Asset',
    'Wallet',
    'Balance',
    'Transaction',
    'HistoryLine',
    'Event',
    'Projection',
    'Problem',
  ]) {
    assert.ok(named.includes(name), name);
  }
  for (const name of named) assert.ok(text.includes(`"#/components/schemas/${name}"`), `${name} is unused`);
  assert.ok(text.length < 500_000, `${text.length} characters`);
});

test('no schema is empty', () => {
  for (const object of objectsIn(document)) {
    for (const keyword of ['schema', 'items', 'additionalProperties']) {
      if (keyword in object) assert.notDeepEqual(object[keyword], {}, JSON.stringify(object).slice(0, 300));
    }
  }
});

/** What they set going is not of the log. */
const ACTIONS = new Set([
  'POST /projections/{name}/rebuild',
  'POST /projections/{name}/rollback',
  'POST /audit/verifications',
]);

test('a write takes an Idempotency-Key, a body and its example', () => {
  for (const { name, operation } of operations) {
    const isWrite = name.startsWith('POST') && !ACTIONS.has(name);
    // The commands of a batch bring their own; a secret cannot be answered twice.
    const isKeyed = isWrite && name !== 'POST /transactions/batch' && !name.startsWith('POST /keys');
    const key = operation.parameters.find((parameter: Any) => parameter.name === 'Idempotency-Key');
    assert.equal(key?.required, isKeyed ? true : undefined, name);
    assert.equal(operation.requestBody?.required, isWrite ? true : undefined, name);
    if (!isKeyed) continue;
    assert.equal(key.in, 'header');
    const { schema, examples } = operation.requestBody.content['application/json'];
    assert.ok(schema.$ref, name);
    assert.ok(examples.example.value, name);
    assert.deepEqual(headersOf(operation.responses['201']), [
      'X-Request-Id',
      'Coffer-Position',
      'Idempotent-Replayed',
    ]);
    for (const status of ['400', '413', '415', '422', '500', '503'])
      assert.ok(operation.responses[status], `${name} ${status}`);
  }
});

test('every parameter in a path is described', () => {
  for (const { name, operation } of operations) {
    const inPath = [...name.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter);
    const described = operation.parameters.filter((parameter: Any) => parameter.in === 'path');
    assert.deepEqual(
      described.map((parameter: Any) => parameter.name),
      inPath,
    );
    for (const parameter of described) {
      assert.ok(parameter.description, `${name} ${parameter.name}`);
      assert.ok(parameter.example, `${name} ${parameter.name}`);
    }
  }
});

test('amounts have patterns and examples', () => {
  const { Amount, SignedAmount, MoveMoney } = document.components.schemas;
  for (const schema of [Amount, SignedAmount, MoveMoney.properties.amount]) {
    assert.equal(schema.type, 'string');
    assert.ok(schema.pattern);
    assert.ok(schema.examples);
  }
  assert.equal(MoveMoney.additionalProperties, false);
});

test('every problem of an operation stands under its status, with an example', () => {
  const shown = new Set<string>();
  for (const { name, operation } of operations) {
    for (const [status, response] of Object.entries<Any>(operation.responses)) {
      assert.ok(response.description, `${name} ${status}`);
      assert.ok(headersOf(response).includes('X-Request-Id'), `${name} ${status}`);
      assert.equal(
        headersOf(response).includes('Retry-After'),
        ['429', '503'].includes(status),
        `${name} ${status}`,
      );
      if (status.startsWith('2')) continue;
      const { schema, examples } = response.content['application/problem+json'];
      assert.equal(schema.$ref, '#/components/schemas/Problem');
      for (const [code, example] of Object.entries<Any>(examples)) {
        const { value } = resolve(example.$ref) as Any;
        assert.equal(value.code, code);
        assert.equal(value.status, Number(status));
        shown.add(code);
      }
    }
  }
  assert.deepEqual([...shown].sort(), Object.keys(problemTable).sort());
});

test('a query about the ledger answers its position, one about the process does not', () => {
  const ofProcess = [
    'GET /',
    'GET /health',
    'GET /ready',
    'GET /metrics',
    'GET /problems/{code}',
    'GET /openapi.json',
  ];
  for (const { name, operation } of operations.filter(({ name: named }) => named.startsWith('GET'))) {
    const headers = headersOf(operation.responses['200']);
    assert.equal(headers.includes('Coffer-Position'), !ofProcess.includes(name), name);
  }
});
