/** What every refusal has in common: RFC 9457, and that status, title and code say the same as the table. */
import assert from 'node:assert/strict';
import { problemTable, type ProblemCode } from '../../src/http/problems.ts';
import type { Reply } from '../support/service.ts';

export function expectProblem(reply: Reply, code: ProblemCode, instance: string): void {
  const { status, title } = problemTable[code];
  assert.equal(reply.status, status, reply.text);
  assert.equal(reply.headers['content-type'], 'application/problem+json; charset=utf-8');
  assert.ok(reply.headers['x-request-id'], 'there is no X-Request-Id');
  const { detail, ...shown } = reply.body as Record<string, unknown>;
  assert.equal(typeof detail, 'string');
  assert.notEqual(detail, '');
  const { type, title: shownTitle, status: shownStatus, code: shownCode, instance: shownInstance } = shown;
  assert.deepEqual(
    { type, title: shownTitle, status: shownStatus, code: shownCode, instance: shownInstance },
    { type: `/problems/${code}`, title, status, code, instance },
  );
  assert.equal(Object.hasOwn(shown, 'errors'), code === 'validation_failed');
}

/** A 400 that blames exactly these fields, in this order. */
export function expectInvalid(reply: Reply, instance: string, paths: readonly string[]): void {
  expectProblem(reply, 'validation_failed', instance);
  const errors = reply.body.errors as { path: string; message: string }[];
  // A field may have more than one fault.
  assert.deepEqual([...new Set(errors.map(({ path }) => path))], paths, reply.text);
  for (const error of errors) {
    assert.deepEqual(Object.keys(error), ['path', 'message']);
    assert.notEqual(error.message, '');
  }
}
