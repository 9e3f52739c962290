/** What became of a command, as HTTP tells it: status, body, position. */
import type { FastifyReply } from 'fastify';
import type { Answer } from '../commands/submission.ts';
import type { Body } from '../events/body.ts';
import { headPosition } from '../events/head.ts';
import { InvalidRequestError } from '../errors.ts';
import type { LedgerServices } from './deps.ts';
import { PROBLEM_TYPE, problemOfError } from './error-handler.ts';
import { problemOf, problemOfRefusal } from './problems.ts';

export type Told = { readonly status: number; readonly body: Body; readonly position: bigint | null };

export function tell(answer: Answer, instance: string): Told {
  const { outcome, position } = answer;
  switch (outcome.kind) {
    case 'accepted':
      return { status: outcome.scheduled === true ? 202 : 201, body: outcome.body, position };
    case 'refused':
      return ofProblem(problemOfRefusal(outcome.refusal, instance), position);
    case 'invalid':
      return ofProblem(problemOfError(new InvalidRequestError([outcome.fault]), instance), position);
    case 'erased': {
      const detail = 'The first answer showed personal data that was erased.';
      return ofProblem(problemOf('subject_erased', detail, instance), position);
    }
    case 'nothing':
      throw new Error('a command of the service itself has no answer');
  }
}

export function ofProblem(problem: Body & { status: number }, position: bigint | null): Told {
  return { status: problem.status, body: problem, position };
}

/** What was not recorded has no place of its own: the ledger had come at least as far as this when it was decided. */
export function placed<One extends { readonly position: bigint | null }>(
  told: One,
  { readPool, ledgerId }: Pick<LedgerServices, 'readPool' | 'ledgerId'>,
): One | Promise<One> {
  if (told.position !== null) return told;
  return headPosition(readPool, ledgerId).then((position) => ({ ...told, position }));
}

/** The same without what it does not have: it was not done, so it has no place and no time. */
export function tellDryRun(answer: Answer, instance: string): Told {
  const { status, body } = tell(answer, instance);
  if (status < 300) return { status: 200, body: asDryRun(body), position: null };
  const { transactionId: _ofTheRefusal, ...refusal } = body;
  return { status, body: refusal, position: null };
}

export function asDryRun(body: Body): Body {
  return { ...body, position: null, recordedAt: null, dryRun: true };
}

export function send(reply: FastifyReply, { status, body, position }: Told): FastifyReply {
  if (position !== null) void reply.header('coffer-position', position.toString());
  const type = status < 400 ? 'application/json; charset=utf-8' : PROBLEM_TYPE;
  return reply.code(status).header('content-type', type).send(JSON.stringify(body));
}
