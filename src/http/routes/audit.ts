/** The sealed log: what was signed of it, and proofs for those who kept what was signed. */
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { checkpoint, consistencyProof, inclusionProof } from '../audit-resources.ts';
import type { LedgerServices } from '../deps.ts';
import { pathOf, sendProblem } from '../error-handler.ts';
import * as examples from '../audit-examples.ts';
import { accepts } from '../media-types.ts';
import { problemOf } from '../problems.ts';
import { positionParam } from '../query-params.ts';
import { queryRoute } from '../query-route.ts';

const NOTHING_SEALED = 'Nothing has been sealed yet.';

const sealedAtLeast = positionParam
  .optional()
  .meta({ description: 'Wait until this position is sealed: the Coffer-Position of a command.' });

async function sealed({ audit, waitMs }: LedgerServices, atLeast: bigint | undefined): Promise<void> {
  if (atLeast !== undefined) await audit.sealed({ position: atLeast, timeoutMs: waitMs });
}

export function auditRoutes(app: FastifyInstance): void {
  app.withTypeProvider<ZodTypeProvider>().route({
    method: 'GET',
    url: '/audit/checkpoint',
    schema: {
      tags: ['audit'],
      summary: 'The last signed checkpoint',
      description:
        'A signed note as C2SP tlog-checkpoint describes it; with Accept: application/json the note with what it says, the public keys, and how many events are not sealed yet. Who keeps a checkpoint can prove every later change to the events under it.',
      querystring: z.strictObject({ atLeast: sealedAtLeast }),
      response: {
        200: {
          description: 'The checkpoint',
          content: { 'text/plain': { schema: z.string() }, 'application/json': { schema: checkpoint } },
        },
      },
    },
    config: {
      facts: {
        operationId: 'getCheckpoint',
        problems: ['checkpoint_not_found', 'not_sealed_yet'],
        example: examples.checkpoint,
      },
    },
    handler: async (request, reply) => {
      await sealed(request.ledger, request.query.atLeast);
      const latest = await request.ledger.audit.checkpoint();
      if (latest === null) {
        void reply.header('coffer-position', '0');
        return sendProblem(reply, problemOf('checkpoint_not_found', NOTHING_SEALED, pathOf(request)));
      }
      void reply.header('coffer-position', latest.treeSize).header('vary', 'accept');
      return accepts(request.headers.accept, 'application/json')
        ? reply.header('content-type', 'application/json; charset=utf-8').send(JSON.stringify(latest))
        : reply.header('content-type', 'text/plain; charset=utf-8').send(latest.note);
    },
  });

  queryRoute(app, {
    url: '/audit/proofs/inclusion',
    operationId: 'proveInclusion',
    tag: 'audit',
    summary: 'That an event is in the sealed log',
    description:
      'RFC 6962, section 2.1.1: the hashes that lead from the event at a position to the root of a checkpoint. Hashes are in base64. The answer is what `coffer audit check` checks without a service.',
    query: z.strictObject({
      atLeast: sealedAtLeast,
      position: positionParam.meta({ description: 'Of the event.' }),
      treeSize: positionParam
        .optional()
        .meta({ description: 'In the tree of so many events; by default that of the last checkpoint.' }),
    }),
    answer: inclusionProof,
    example: examples.inclusionProof,
    problems: ['not_sealed_yet', 'log_contradicted'],
    read: async (_params, { position, treeSize, atLeast }, ledger) => {
      await sealed(ledger, atLeast);
      const body = await ledger.audit.inclusion({ position, treeSize });
      return { body, position: BigInt(body.treeSize) };
    },
  });

  queryRoute(app, {
    url: '/audit/proofs/consistency',
    operationId: 'proveConsistency',
    tag: 'audit',
    summary: 'That the log has only grown',
    description:
      'RFC 6962, section 2.1.2: the hashes that show that the tree of `to` events begins with the tree of `from` events. Hashes are in base64. Hold fromRootHash against the checkpoint you kept.',
    query: z.strictObject({
      atLeast: sealedAtLeast,
      from: positionParam.meta({ description: 'The size of the older tree: that of a checkpoint you kept.' }),
      to: positionParam.optional().meta({ description: 'Default: the size of the last checkpoint.' }),
    }),
    answer: consistencyProof,
    example: examples.consistencyProof,
    problems: ['not_sealed_yet', 'log_contradicted'],
    read: async (_params, { from, to, atLeast }, ledger) => {
      await sealed(ledger, atLeast);
      const body = await ledger.audit.consistency({ from, to });
      return { body, position: BigInt(body.to) };
    },
  });
}
