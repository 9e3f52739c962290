/** Many commands in one request, each with its own key: each for itself, or all of them or none. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { isUsableKey } from '../../commands/idempotency.ts';
import type { Command } from '../../commands/schemas.ts';
import type { Request, Settlement } from '../../commands/submission.ts';
import { countPostings } from '../../projections/queries/transactions.ts';
import { InvalidRequestError } from '../../errors.ts';
import { canonicalJson } from '../../events/canonical.ts';
import { requireScopeFor } from '../callers.ts';
import { dryRunQuery, isDryRun, outcomeLabel } from '../command-route.ts';
import { send, tell, tellDryRun, type Told } from '../command-answer.ts';
import type { LedgerServices } from '../deps.ts';
import { AccessError, pathOf, problemOfError, sendProblem } from '../error-handler.ts';
import * as examples from '../examples.ts';
import { MONEY_PROBLEMS, isMoneyKind, moneyRoutes, pathOfKind, type MoneyKind } from '../money-commands.ts';
import { problemOf } from '../problems.ts';
import { batchAnswer } from '../transaction-resources.ts';

const MAX_COMMANDS = 1_000;
const MAX_POSTINGS = 1_000;
/** Room for a thousand commands of the usual size, with a reference and some metadata each. */
const MAX_BODY_BYTES = 4 * 1_024 * 1_024;

const batchBody = z.strictObject({
  commands: z
    .array(
      // What is no command is a 400 in its place, so each is looked at by itself.
      z
        .unknown()
        .meta({
          type: 'object',
          required: ['idempotencyKey', 'type'],
          additionalProperties: true,
          properties: {
            idempotencyKey: { type: 'string', description: '1 to 255 visible ASCII characters.' },
            type: { type: 'string', enum: Object.keys(moneyRoutes) },
          },
        }),
    )
    .min(1)
    .max(MAX_COMMANDS)
    .meta({
      description:
        'Each with its key, its type and the fields of its own route: `holdId` for capture and release, `transactionId` for reversal, `transactionType` for the type of postings.',
    }),
  atomic: z.boolean().optional().meta({ description: 'All or none. Default: each for itself.' }),
});

/** A command that can be submitted, or what is wrong with it. */
type Read = { readonly path: string; readonly kind: string } & (
  | { readonly request: Request }
  | { readonly fault: InvalidRequestError | AccessError }
);

export function batchRoute(app: FastifyInstance): void {
  app.withTypeProvider<ZodTypeProvider>().route({
    method: 'POST',
    url: '/transactions/batch',
    bodyLimit: MAX_BODY_BYTES,
    schema: {
      tags: ['transactions'],
      summary: 'Up to 1,000 commands in one request',
      description:
        'Each command has a key of its own; an Idempotency-Key header is ignored. Done in their order. A command that cannot be understood is a 400 in its place; in an atomic batch, of the whole.',
      querystring: dryRunQuery,
      body: batchBody,
      response: { 200: batchAnswer },
    },
    config: {
      facts: {
        operationId: 'runBatch',
        writes: { bodyName: 'Batch', bodyExample: examples.batchBody, keyed: false },
        problems: [...MONEY_PROBLEMS, 'batch_refused', 'idempotency_key_reused'],
        example: { results: [{ status: 201, body: examples.transaction('topup') }] },
      },
    },
    handler: async (request, reply) => {
      const { commands, atomic = false } = request.body;
      const dryRun = isDryRun(request);
      const { actor, id: correlationId } = request;
      const read = commands.map((item) => allowed(request, readItem(item, { actor, correlationId, dryRun })));
      await checkPostings(request.ledger, read);
      return atomic ? runAtomic(read, { request, reply }) : runEach(read, { request, reply });
    },
  });
}

/** What the caller's key does not cover is refused in its place. */
function allowed(request: FastifyRequest, read: Read): Read {
  if ('fault' in read) return read;
  try {
    requireScopeFor(request, read.request.command);
    return read;
  } catch (error) {
    if (!(error instanceof AccessError)) throw error;
    return { path: read.path, kind: read.kind, fault: error };
  }
}

/** A reversal has as many postings as what it takes back. */
async function checkPostings(ledger: LedgerServices, read: readonly Read[]): Promise<void> {
  const requests = read.flatMap((one) => ('request' in one ? [one.request] : []));
  const reversed = requests.flatMap(({ command }) =>
    command.kind === 'reversal' ? [command.transactionId] : [],
  );
  const counts = await countPostings(ledger.readPool, ledger.ledgerId, [...new Set(reversed)]);
  const postings = requests.reduce((sum, { command }) => sum + postingsIn(command, counts), 0);
  if (postings <= MAX_POSTINGS) return;
  throw new InvalidRequestError([
    { path: 'commands', message: `must have at most ${MAX_POSTINGS} postings in all, not ${postings}` },
  ]);
}

function postingsIn(command: Command, counts: ReadonlyMap<string, number>): number {
  if (command.kind === 'postings') return command.postings.length;
  if (command.kind === 'exchange') return 2;
  if (command.kind === 'schedule.create') return postingsIn(command.command, counts);
  return command.kind === 'reversal' ? (counts.get(command.transactionId) ?? 1) : 1;
}

/** The field that names what a command is about; on its own route that is in the path. */
const SUBJECT: Partial<Record<MoneyKind, string>> = {
  capture: 'holdId',
  release: 'holdId',
  reversal: 'transactionId',
};

function readItem(item: unknown, given: { actor: string; correlationId: string; dryRun: boolean }): Read {
  if (typeof item !== 'object' || item === null || Array.isArray(item))
    return notACommand('body', 'must be an object');
  const { idempotencyKey, type, ...fields } = item as Record<string, unknown>;
  if (!isMoneyKind(type)) return notACommand('type', `must be one of ${Object.keys(moneyRoutes).join(', ')}`);
  const key = typeof idempotencyKey === 'string' && isUsableKey(idempotencyKey) ? idempotencyKey : null;
  const { subject, body } = splitFields(type, fields);
  const { params, body: schema, command } = moneyRoutes[type] as (typeof moneyRoutes)['reversal'];
  const ofPath = params.safeParse(SUBJECT[type] === undefined ? {} : { id: subject });
  const ofBody = schema.safeParse(body);
  const path = pathOfKind(type, ofPath.success ? (ofPath.data.id ?? null) : ':id');
  const faults = [
    ...(given.dryRun || key !== null ? [] : [KEY_FAULT]),
    ...(ofPath.success ? [] : [{ path: SUBJECT[type] ?? 'id', message: 'must be a UUID' }]),
    ...(ofBody.success ? [] : faultsOf(ofBody.error)),
  ];
  if (!ofPath.success || !ofBody.success || faults.length > 0)
    return { path, kind: type, fault: new InvalidRequestError(faults) };
  const canonicalRequest = canonicalJson({ command: type, params: ofPath.data, body });
  return {
    path,
    kind: type,
    request: {
      command: command(ofPath.data, ofBody.data),
      idempotencyKey: key,
      canonicalRequest,
      actor: given.actor,
      correlationId: given.correlationId,
    },
  };
}

function notACommand(path: string, message: string): Read {
  return {
    path: '/transactions/batch',
    kind: 'unknown',
    fault: new InvalidRequestError([{ path, message }]),
  };
}

const KEY_FAULT = {
  path: 'idempotencyKey',
  message: 'must have 1 to 255 visible ASCII characters and no spaces',
};

function splitFields(
  kind: MoneyKind,
  fields: Readonly<Record<string, unknown>>,
): { subject: unknown; body: Record<string, unknown> } {
  const named = SUBJECT[kind];
  if (named !== undefined) {
    const { [named]: subject, ...body } = fields;
    return { subject, body };
  }
  if (kind !== 'postings' || !Object.hasOwn(fields, 'transactionType'))
    return { subject: null, body: { ...fields } };
  const { transactionType, ...body } = fields;
  return { subject: null, body: { ...body, type: transactionType } };
}

function faultsOf(error: z.ZodError): { path: string; message: string }[] {
  return error.issues.flatMap((issue) => {
    const path = issue.path.join('.');
    if (issue.code !== 'unrecognized_keys')
      return [{ path: path === '' ? 'body' : path, message: issue.message }];
    return issue.keys.map((key) => ({
      path: path === '' ? key : `${path}.${key}`,
      message: 'is not a known field',
    }));
  });
}

type Exchange = { readonly request: FastifyRequest; readonly reply: FastifyReply };

async function runEach(read: readonly Read[], { request, reply }: Exchange): Promise<FastifyReply> {
  if (!isDryRun(request)) return sendResults(reply, await submitEach(request.ledger, read));
  const { told, headPosition } = await dryRunEach(request.ledger, read);
  return sendResults(reply, told, headPosition);
}

/** Submitted in one turn, so that they keep their order. */
async function submitEach(ledger: LedgerServices, read: readonly Read[]): Promise<Told[]> {
  return Promise.all(
    read.map(async (one): Promise<Told> => {
      if ('fault' in one) return faulty(one.fault, one.path);
      try {
        const answer = await ledger.submit(one.request);
        ledger.metrics.commands.inc({ command: one.kind, outcome: outcomeLabel(answer) });
        return tell(answer, one.path);
      } catch (error) {
        return faulty(error as Error, one.path);
      }
    }),
  );
}

async function dryRunEach(
  ledger: LedgerServices,
  read: readonly Read[],
): Promise<{ told: Told[]; headPosition: bigint }> {
  const requests = read.flatMap((one) => ('request' in one ? [one.request] : []));
  const { settlement, headPosition } = await ledger.dryRun(requests, false);
  const answers = settlement.kind === 'answered' ? [...settlement.answers] : [];
  const told = read.map((one) => {
    if ('fault' in one) return faulty(one.fault, one.path);
    const answer = answers.shift();
    if (answer === undefined) throw new Error('a dry run has fewer answers than commands');
    return tellDryRun(answer, one.path);
  });
  return { told, headPosition };
}

async function runAtomic(read: readonly Read[], exchange: Exchange): Promise<FastifyReply> {
  const { request } = exchange;
  const requests = read.map((one, index) => {
    if ('fault' in one) throw within(one.fault, index);
    return one.request;
  });
  const keys = requests.map(({ idempotencyKey }) => idempotencyKey);
  const twice = keys.findIndex((key, index) => key !== null && keys.indexOf(key) !== index);
  if (twice !== -1) {
    const message = 'is the key of another command of this batch';
    throw new InvalidRequestError([{ path: `commands.${twice}.idempotencyKey`, message }]);
  }
  if (!isDryRun(request))
    return sendSettlement(exchange, await request.ledger.submitAtomic(requests), { read, say: tell });
  const { settlement, headPosition } = await request.ledger.dryRun(requests, true);
  void exchange.reply.header('coffer-position', headPosition.toString());
  return sendSettlement(exchange, settlement, { read, say: tellDryRun });
}

function sendSettlement(
  { request, reply }: Exchange,
  settlement: Settlement,
  how: { read: readonly Read[]; say: typeof tell },
): FastifyReply {
  const paths = how.read.map(({ path }) => path);
  switch (settlement.kind) {
    case 'answered':
      if (settlement.answers.every(({ replayed }) => replayed))
        void reply.header('idempotent-replayed', 'true');
      return sendResults(
        reply,
        settlement.answers.map((answer, index) => how.say(answer, paths[index] ?? '')),
      );
    case 'batch_refused': {
      const { index, answer } = settlement;
      const { body, position } = how.say(answer, paths[index] ?? '');
      if (position !== null) void reply.header('coffer-position', position.toString());
      if (answer.replayed) void reply.header('idempotent-replayed', 'true');
      const detail = `Command ${index} was refused, so none was done: ${String(body['detail'])}`;
      return sendProblem(reply, problemOf('batch_refused', detail, pathOf(request), { index, cause: body }));
    }
    case 'keys_known_in_part': {
      const differs = settlement.known.map((index) => `commands.${index}.idempotencyKey`);
      const detail = 'Some of the keys belong to requests that were not part of this batch.';
      return sendProblem(reply, problemOf('idempotency_key_reused', detail, pathOf(request), { differs }));
    }
  }
}

/** The position of the last event: who has seen it has seen all of them. */
function sendResults(reply: FastifyReply, told: readonly Told[], at: bigint | null = null): FastifyReply {
  const results = told.map(({ status, body }) => ({ status, body }));
  const position = told.reduce<bigint | null>((last, one) => {
    return one.position !== null && (last === null || one.position > last) ? one.position : last;
  }, at);
  return send(reply, { status: 200, body: { results }, position });
}

function faulty(error: Error, path: string): Told {
  const problem = problemOfError(error, path);
  return { status: problem.status, body: problem, position: null };
}

function within(fault: InvalidRequestError | AccessError, index: number): Error {
  if (fault instanceof AccessError) return fault;
  return new InvalidRequestError(
    fault.errors.map(({ path, message }) => ({ path: `commands.${index}.${path}`, message })),
  );
}
