/**
 * The one table from codes to HTTP: status, title and advice of every problem the service answers. Titles and
 * statuses are part of answers that are replayed byte for byte, so they never change.
 */
import type { OperationalCode, Refusal, RefusalCode } from '../errors.ts';
import { operationalProblems } from './operational-problems.ts';
import { refusalProblems } from './refusal-problems.ts';
import { requestProblems, type RequestFaultCode } from './request-problems.ts';

export type ProblemCode = RefusalCode | OperationalCode | RequestFaultCode;

export type ProblemRow = { readonly status: number; readonly title: string; readonly advice: string };

export const problemTable: { readonly [Code in ProblemCode]: ProblemRow } = {
  ...requestProblems,
  ...refusalProblems,
  ...operationalProblems,
};

export type Problem = {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ProblemCode;
  readonly instance: string;
  readonly [member: string]: unknown;
};

export function isProblemCode(text: string): text is ProblemCode {
  return Object.hasOwn(problemTable, text);
}

export function problemOf(
  code: ProblemCode,
  detail: string,
  instance: string,
  members: Readonly<Record<string, unknown>> = {},
): Problem {
  const { status, title } = problemTable[code];
  return { type: `/problems/${code}`, title, status, detail, code, instance, ...members };
}

export function problemOfRefusal(refusal: Refusal, instance: string): Problem {
  return problemOf(refusal.code, refusal.detail, instance, refusal.figures);
}
