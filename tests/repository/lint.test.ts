/**
 * The linter is part of the design: it finds forgotten awaits and keeps the import arrows. Rules that are
 * configured but find nothing look the same as rules that hold, so each one is shown a violation here.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { lintPlants, type Plant } from './plant.ts';

const violations: (Plant & { what: string; rule: string })[] = [
  {
    what: 'a query that nobody awaits',
    file: 'src/events/unawaited-query.ts',
    line: `import type { Client } from 'pg'; export function f(client: Client): void { client.query('select 1'); }`,
    rule: 'typescript(no-floating-promises)',
  },
  {
    what: 'a query of a pooled client that nobody awaits',
    file: 'src/db/unawaited-pool-query.ts',
    line: `import pg from 'pg'; export async function f(pool: pg.Pool): Promise<void> { const client = await pool.connect(); client.query('commit'); client.release(); }`,
    rule: 'typescript(no-floating-promises)',
  },
  {
    what: 'an assert.rejects that nobody awaits',
    file: 'tests/unawaited-rejects.test.ts',
    line: `import assert from 'node:assert/strict'; import { test } from 'node:test'; test('x', () => { assert.rejects(Promise.reject(new Error('x'))); });`,
    rule: 'typescript(no-floating-promises)',
  },
  {
    what: 'an asynchronous callback whose promise nobody sees',
    file: 'src/projections/async-timer.ts',
    line: `export const timer = setInterval(async () => { await Promise.resolve(); }, 1000);`,
    rule: 'typescript(no-misused-promises)',
  },
  {
    what: 'a promise taken for a truth value',
    file: 'src/http/promise-condition.ts',
    line: `export async function f(isKnown: () => Promise<boolean>): Promise<string> { await isKnown(); return isKnown() ? 'yes' : 'no'; }`,
    rule: 'typescript(no-misused-promises)',
  },
  {
    what: 'an await of what is no promise',
    file: 'src/http/await-value.ts',
    line: `export async function f(n: bigint): Promise<bigint> { return await n; }`,
    rule: 'typescript(await-thenable)',
  },
  {
    what: 'a promise returned past its finally',
    file: 'src/db/early-release.ts',
    line: `import type { PoolClient, QueryResult } from 'pg'; export async function f(client: PoolClient): Promise<QueryResult> { try { return client.query('select 1'); } finally { client.release(); } }`,
    rule: 'typescript(return-await)',
  },
  {
    what: 'a switch over a union that forgets a case',
    file: 'src/http/forgotten-case.ts',
    line: `export function f(of: 'a' | 'b'): number { switch (of) { case 'a': return 1; } return 0; }`,
    rule: 'typescript(switch-exhaustiveness-check)',
  },
  {
    what: 'a switch over events that hides the forgotten one behind a default',
    file: 'src/events/default-case.ts',
    line: `export function f(of: 'a' | 'b'): number { switch (of) { case 'a': return 1; default: return 0; } }`,
    rule: 'typescript(switch-exhaustiveness-check)',
  },
  {
    what: 'code of the service in the browser, of which only types may cross',
    file: 'dashboard/src/service-code.ts',
    line: `import type { Refusal } from '../../src/errors.ts'; import { isAmount } from '../../src/money.ts'; export const f = (text: string): Refusal | boolean => isAmount(text);`,
    rule: 'eslint(no-restricted-imports)',
  },
  {
    what: 'any',
    file: 'src/http/any.ts',
    line: `export function f(body: any): string { return String(body); }`,
    rule: 'typescript(no-explicit-any)',
  },
  {
    what: 'a non-null assertion',
    file: 'src/http/non-null.ts',
    line: `export function f(rows: string[]): string { return rows[0]!; }`,
    rule: 'typescript(no-non-null-assertion)',
  },
  {
    what: 'something thrown that is no error',
    file: 'src/http/throw-text.ts',
    line: `export function f(): never { throw 'failed'; }`,
    rule: 'typescript(only-throw-error)',
  },
  {
    what: 'a promise rejected with what is no error',
    file: 'src/http/reject-text.ts',
    line: `export const f = async (): Promise<never> => await Promise.reject('failed');`,
    rule: 'typescript(prefer-promise-reject-errors)',
  },
  {
    what: 'an error that loses its cause',
    file: 'src/http/lost-cause.ts',
    line: `export function f(work: () => void): void { try { work(); } catch { throw new Error('failed'); } } export function g(work: () => void): void { try { work(); } catch (error) { throw new Error(String(error)); } }`,
    rule: 'eslint(preserve-caught-error)',
  },
  {
    what: 'text added to an amount',
    file: 'src/http/text-plus-amount.ts',
    line: `export function f(balance: bigint, amount: string): unknown { return balance + amount; }`,
    rule: 'typescript(restrict-plus-operands)',
  },
  {
    what: 'equality that converts',
    file: 'src/http/loose-equality.ts',
    line: `export function f(a: unknown, b: unknown): boolean { return a == b; }`,
    rule: 'eslint(eqeqeq)',
  },
  {
    what: 'what is deprecated',
    file: 'src/http/deprecated.ts',
    line: `import { z } from 'zod'; export const id = z.string().uuid();`,
    rule: 'typescript(no-deprecated)',
  },
  {
    what: 'a variable that nothing uses',
    file: 'src/http/unused.ts',
    line: `export function f(rows: string[]): number { const first = rows[0]; return rows.length; }`,
    rule: 'eslint(no-unused-vars)',
  },
  {
    what: 'var',
    file: 'src/http/var.ts',
    line: `export function f(): number { var count = 1; return count; }`,
    rule: 'eslint(no-var)',
  },
  {
    what: 'a variable that never varies',
    file: 'src/http/let.ts',
    line: `export function f(): number { let count = 1; return count; }`,
    rule: 'eslint(prefer-const)',
  },
  {
    what: 'an export that varies',
    file: 'src/http/mutable-export.ts',
    line: `export let count = 1n; export const raise = (): void => { count += 1n; };`,
    rule: 'import(no-mutable-exports)',
  },
  {
    what: 'a module of Node without its scheme',
    file: 'src/http/node-module.ts',
    line: `import { join } from 'path'; export const here = join('.');`,
    rule: 'unicorn(prefer-node-protocol)',
  },
  {
    what: 'a default export',
    file: 'src/http/default-export.ts',
    line: `export default function f(): void {}`,
    rule: 'import(no-default-export)',
  },
  {
    what: 'a barrel',
    file: 'src/http/barrel.ts',
    line: `export * from '../money.ts';`,
    rule: 'oxc(no-barrel-file)',
  },
  {
    what: 'an import left behind by its types',
    file: 'src/http/type-leftover.ts',
    line: `import { type Client } from 'pg'; export type Connection = Client;`,
    rule: 'typescript(no-import-type-side-effects)',
  },
  {
    what: 'a cycle of imports',
    file: 'src/http/cycle-a.ts',
    line: `import { b } from './cycle-b.ts'; export const a = (): number => b();`,
    rule: 'import(no-cycle)',
  },
  {
    what: 'the other end of the cycle',
    file: 'src/http/cycle-b.ts',
    line: `import { a } from './cycle-a.ts'; export const b = (): number => a();`,
    rule: 'import(no-cycle)',
  },
  {
    what: 'a file name that is not in kebab-case',
    file: 'src/http/CamelCase.ts',
    line: `export const x = 1n;`,
    rule: 'unicorn(filename-case)',
  },
  {
    what: 'printing from a library file',
    file: 'src/projections/console.ts',
    line: `export function f(): void { console.log('caught up'); }`,
    rule: 'eslint(no-console)',
  },
  {
    what: 'printing from the composition root',
    file: 'src/app.ts',
    line: `export function f(): void { console.error('started'); }`,
    rule: 'eslint(no-console)',
  },
  {
    what: 'ending the process from a library file',
    file: 'src/commands/exit.ts',
    line: `export function f(): void { process.exit(1); }`,
    rule: 'unicorn(no-process-exit)',
  },
  {
    what: 'process.env',
    file: 'src/db/env-member.ts',
    line: `export const port = process.env['PORT'];`,
    rule: 'eslint(no-restricted-properties)',
  },
  {
    what: 'env taken out of process',
    file: 'src/cli/env-destructured.ts',
    line: `export const { env } = process;`,
    rule: 'eslint(no-restricted-properties)',
  },
  {
    what: 'a test that keeps the others from running',
    file: 'tests/only.test.ts',
    line: `import { test } from 'node:test'; test['only']('x', () => {});`,
    rule: 'eslint(no-restricted-properties)',
  },
  {
    what: 'a test that does not run',
    file: 'tests/skip.test.ts',
    line: `import { describe } from 'node:test'; describe['skip']('x', () => {});`,
    rule: 'eslint(no-restricted-properties)',
  },
  {
    what: 'a disabled rule that would have found nothing',
    file: 'src/http/unused-directive.ts',
    line: `export const x = 1n; // oxlint-disable-line no-console`,
    rule: 'Unused oxlint-disable directive (no problems were reported).',
  },
];

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
