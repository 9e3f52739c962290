/** Many commands in one request, each with its own key: each for itself, or all of them or none. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Command } from '../../commands/schemas.ts';
import type { Request, Settlement } from '../../commands/submission.ts';
import { countPostings } from '../../projections/queries/transactions.ts';
import { InvalidRequestError } from '../../errors.ts';
import { readItem, type ReadItem } from '../batch-items.ts';
import { requireScopeFor } from '../callers.ts';
import { dryRunQuery, isDryRun, outcomeLabel } from '../command-route.ts';
import { ofProblem, placed, send, tell, tellDryRun, type Told } from '../command-answer.ts';
import type { LedgerServices } from '../deps.ts';
import { AccessError, pathOf, problemOfError } from '../error-handler.ts';
import * as examples from '../examples.ts';
import { MONEY_PROBLEMS, moneyRoutes } from '../money-commands.ts';
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
function allowed(request: FastifyRequest, read: ReadItem): ReadItem {
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
async function checkPostings(ledger: LedgerServices, read: readonly ReadItem[]): Promise<void> {
  const requests = requestsOf(read);
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

type Exchange = { readonly request: FastifyRequest; readonly reply: FastifyReply };

async function runEach(read: readonly ReadItem[], { request, reply }: Exchange): Promise<FastifyReply> {
  if (isDryRun(request)) {
    const { told, headPosition } = await dryRunEach(request.ledger, read);
    return sendResults(reply, { told, position: headPosition });
  }
  const { told, replayed } = await submitEach(request.ledger, read);
  if (replayed) void reply.header('idempotent-replayed', 'true');
  return sendResults(reply, await placed({ told, position: lastPosition(told) }, request.ledger));
}

/** `replayed`: each of them had its answer already. */
async function submitEach(
  ledger: LedgerServices,
  read: readonly ReadItem[],
): Promise<{ told: Told[]; replayed: boolean }> {
  const answers = await ledger.submitEach(requestsOf(read));
  const replayed =
    answers.length === read.length && answers.every((one) => 'replayed' in one && one.replayed);
  const told = inTheirPlaces(read, answers, (answer, { path, kind }) => {
    if ('failed' in answer) return faulty(answer.failed as Error, path);
    ledger.metrics.commands.count(kind, outcomeLabel(answer));
    try {
      return tell(answer, path);
    } catch (error) {
      // The others were done, and are told so.
      return faulty(error as Error, path);
    }
  });
  return { told, replayed };
}

function requestsOf(read: readonly ReadItem[]): Request[] {
  return read.flatMap((one) => ('request' in one ? [one.request] : []));
}

/** What is no command is told its fault, each of the others its answer. */
function inTheirPlaces<One>(
  read: readonly ReadItem[],
  answers: readonly One[],
  say: (answer: One, of: ReadItem) => Told,
): Told[] {
  const rest = answers.values();
  return read.map((one) => {
    if ('fault' in one) return faulty(one.fault, one.path);
    const { value, done } = rest.next();
    if (done === true) throw new Error('there are fewer answers than commands');
    return say(value, one);
  });
}

async function dryRunEach(
  ledger: LedgerServices,
  read: readonly ReadItem[],
): Promise<{ told: Told[]; headPosition: bigint }> {
  const { settlement, headPosition } = await ledger.dryRun(requestsOf(read), false);
  const answers = settlement.kind === 'answered' ? settlement.answers : [];
  const told = inTheirPlaces(read, answers, (answer, { path }) => tellDryRun(answer, path));
  return { told, headPosition };
}

async function runAtomic(read: readonly ReadItem[], exchange: Exchange): Promise<FastifyReply> {
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
  if (!isDryRun(request)) {
    const settlement = await request.ledger.submitAtomic(requests);
    return sendSettlement(exchange, settlement, { read, say: tell, position: null });
  }
  const { settlement, headPosition } = await request.ledger.dryRun(requests, true);
  return sendSettlement(exchange, settlement, { read, say: tellDryRun, position: headPosition });
}

/** `position`: where an answer holds that is recorded nowhere, if that is known. */
async function sendSettlement(
  { request, reply }: Exchange,
  settlement: Settlement,
  how: { read: readonly ReadItem[]; say: typeof tell; position: bigint | null },
): Promise<FastifyReply> {
  const paths = how.read.map(({ path }) => path);
  switch (settlement.kind) {
    case 'answered': {
      if (settlement.answers.every(({ replayed }) => replayed))
        void reply.header('idempotent-replayed', 'true');
      const told = settlement.answers.map((answer, index) => how.say(answer, paths[index] ?? ''));
      return sendResults(reply, { told, position: lastPosition(told) ?? how.position });
    }
    case 'batch_refused': {
      const { index, answer } = settlement;
      const { body, position } = how.say(answer, paths[index] ?? '');
      if (answer.replayed) void reply.header('idempotent-replayed', 'true');
      const detail = `Command ${index} was refused, so none was done: ${String(body['detail'])}`;
      const problem = problemOf('batch_refused', detail, pathOf(request), { index, cause: body });
      return send(reply, await placed(ofProblem(problem, position ?? how.position), request.ledger));
    }
    case 'keys_known_in_part': {
      const differs = settlement.known.map((index) => `commands.${index}.idempotencyKey`);
      const detail = 'Some of the keys belong to requests that were not part of this batch.';
      const problem = problemOf('idempotency_key_reused', detail, pathOf(request), { differs });
      return send(reply, await placed(ofProblem(problem, how.position), request.ledger));
    }
    case 'answered_in_part':
      throw new Error('an atomic batch is done as a whole or not at all');
  }
}

/** Of the last event: who has seen it has seen all of them. Null where none of them is in the log. */
function lastPosition(told: readonly Told[]): bigint | null {
  return told.reduce<bigint | null>((last, { position }) => {
    return position !== null && (last === null || position > last) ? position : last;
  }, null);
}

type Results = { readonly told: readonly Told[]; readonly position: bigint | null };

function sendResults(reply: FastifyReply, { told, position }: Results): FastifyReply {
  const results = told.map(({ status, body }) => ({ status, body }));
  return send(reply, { status: 200, body: { results }, position });
}

function faulty(error: Error, path: string): Told {
  return ofProblem(problemOfError(error, path), null);
}

function within(fault: InvalidRequestError | AccessError, index: number): Error {
  if (fault instanceof AccessError) return fault;
  return new InvalidRequestError(
    fault.errors.map(({ path, message }) => ({ path: `commands.${index}.${path}`, message })),
  );
}
