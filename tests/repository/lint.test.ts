/**
 * The linter is part of the design: it finds forgotten awaits and keeps the import arrows. Rules that are
 * configured but find nothing look the same as rules that hold, so each one is shown a violation here.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { violations } from './lint-violations.ts';
import { lintPlants, type Plant } from './plant.ts';

const ordinary: (Plant & { what: string })[] = [
  {
    what: 'tests and suites of node:test, which awaits them itself',
    file: 'tests/clean.test.ts',
    line: `import assert from 'node:assert/strict'; import { describe, test } from 'node:test'; describe('x', () => { test('y', async () => { await assert.rejects(Promise.reject(new Error('x'))); }); });`,
  },
  {
    what: 'Fastify routes and plugins',
    file: 'src/http/clean-routes.ts',
    line: `import Fastify, { type FastifyInstance } from 'fastify'; export function build(): FastifyInstance { const app = Fastify(); app.get('/health', async () => ({ status: 'ok' })); app.addHook('onRequest', async (_request, reply) => { reply.header('x', '1'); }); return app; }`,
  },
  {
    what: 'statements of one transaction, one after the other',
    file: 'src/db/clean-loop.ts',
    line: `import type { PoolClient } from 'pg'; export async function f(client: PoolClient, texts: string[]): Promise<void> { for (const text of texts) await client.query(text); }`,
  },
  {
    what: 'a switch over a union that names every case',
    file: 'src/events/clean-switch.ts',
    line: `export function f(of: 'a' | 'b'): number { switch (of) { case 'a': return 1; case 'b': return 2; } }`,
  },
  {
    what: 'a switch with a default, where neither events nor commands are told apart',
    file: 'src/http/clean-default.ts',
    line: `export function f(of: 'a' | 'b' | undefined): number { switch (of) { case 'a': return 1; default: return 0; } }`,
  },
  {
    what: 'a flag that close() clears',
    file: 'src/projections/clean-worker.ts',
    line: `export function createLoop(tick: () => Promise<void>): { run: () => Promise<void>; close: () => void } { let open = true; return { run: async () => { while (open) await tick(); }, close: () => { open = false; } }; }`,
  },
  {
    what: 'a promise that is left alone on purpose',
    file: 'src/main.ts',
    line: `process.once('SIGTERM', () => void Promise.resolve()); process.exit(0);`,
  },
  {
    what: 'the entry, which hands the environment on',
    file: 'src/main.ts',
    line: `export const port = process.env['PORT'];`,
  },
  {
    what: 'a specification that ends in then',
    file: 'tests/clean-specification.test.ts',
    line: `export const when = (facts: string[]) => ({ then: (expected: string[]) => facts.length === expected.length });`,
  },
  {
    what: 'a non-null assertion in a test',
    file: 'tests/clean-assertion.test.ts',
    line: `export const first = (rows: string[]): string => rows[0]!;`,
  },
  {
    what: 'the one reader of the environment',
    file: 'src/config.ts',
    line: `export const readPort = (): string | undefined => process.env['PORT'];`,
  },
  {
    what: 'printing from the command line',
    file: 'src/cli/clean-print.ts',
    line: `export function f(): never { console.log('verified'); process.exit(1); }`,
  },
  {
    what: 'a declared exception with its reason',
    file: 'src/db/clean-exception.ts',
    line: `export const env = { ...process.env, LC_ALL: 'C' }; // oxlint-disable-line no-restricted-properties -- handed on, not read`,
  },
];

const findings = lintPlants([...violations, ...ordinary], { 'src/money.ts': 'export const one = 1n;' });

describe('The linter finds', () => {
  for (const violation of violations) {
    test(violation.what, () => {
      assert.ok(
        findings.get(violation)?.includes(violation.rule),
        `found: ${findings.get(violation)?.join()}`,
      );
    });
  }
});

describe('The linter lets pass', () => {
  for (const plant of ordinary) {
    test(plant.what, () => assert.equal(findings.get(plant), undefined));
  }
});
