/** The export of the log as a download: what `coffer audit export` writes. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { InvalidRequestError, OperationalError } from '../../errors.ts';
import { headPosition } from '../../events/head.ts';
import { ledgerSlug } from '../../projections/queries/ledger-slug.ts';
import type { LedgerServices } from '../deps.ts';
import { positionParam } from '../query-params.ts';

const TAR = 'application/x-tar';

export function exportRoute(app: FastifyInstance): void {
  /** Of the process. */
  let underWay = false;

  app.withTypeProvider<ZodTypeProvider>().route({
    method: 'GET',
    url: '/audit/export',
    schema: {
      tags: ['audit'],
      summary: 'The log as files, to be verified elsewhere',
      description:
        'The folder that `coffer audit export` writes, as a tar: events in segments, signed checkpoints, public keys, schemas, and last the manifest with the hash of each. `coffer audit replay` derives all balances from it. At most one at a time in a process.',
      querystring: z.strictObject({
        from: positionParam.optional().meta({ description: 'The first position. Default 1.' }),
        to: positionParam.optional().meta({ description: 'The last position. Default: the head.' }),
      }),
      response: { 200: { description: 'A tar, streamed', content: { [TAR]: { schema: z.string() } } } },
    },
    config: { facts: { operationId: 'exportLog', problems: ['overloaded', 'not_sealed_yet'] } },
    handler: async (request, reply) => {
      const { ledger } = request;
      const head = await headPosition(ledger.readPool, ledger.ledgerId);
      const { from = 1n, to = head } = request.query;
      checkSpan(from, to, head);
      await checkOpening(ledger, from);
      const slug = await ledgerSlug(ledger.readPool, ledger.ledgerId);
      if (underWay)
        throw new OperationalError('overloaded', 'An export is under way, and there is one at a time.', {
          retryAfterSeconds: 10,
        });
      void reply
        .header('content-type', TAR)
        .header('coffer-position', head.toString())
        .header('cache-control', 'no-store')
        .header('content-disposition', `attachment; filename="coffer-export-${slug}-${from}-${to}.tar"`);
      if (request.method === 'HEAD') return reply.send('');
      underWay = true;
      return send(reply, ledger, {
        ...{ slug, from, to },
        onEnd: () => {
          underWay = false;
        },
      });
    },
  });
}

function send(
  reply: FastifyReply,
  ledger: LedgerServices,
  wanted: Parameters<LedgerServices['exportTar']>[0],
): FastifyReply {
  return reply.send(ledger.exportTar(wanted));
}

/** What comes from the middle of the log begins with the sealed tree up to there. */
async function checkOpening(ledger: LedgerServices, from: bigint): Promise<void> {
  if (from === 1n) return;
  const sealed = BigInt((await ledger.audit.checkpoint())?.treeSize ?? 0);
  if (sealed >= from - 1n) return;
  throw new OperationalError('not_sealed_yet', `The log is sealed up to position ${sealed}.`, {
    retryAfterSeconds: 1,
    position: sealed,
  });
}

function checkSpan(from: bigint, to: bigint, head: bigint): void {
  if (head === 0n)
    throw new InvalidRequestError(
      [{ path: 'to', message: 'the log is empty: there is nothing to export' }],
      head,
    );
  const faults = [
    ...(from < 1n ? [{ path: 'from', message: 'must be at least 1' }] : []),
    ...(to > head ? [{ path: 'to', message: `must not be beyond the head, which is ${head}` }] : []),
    ...(to < from ? [{ path: 'to', message: 'must not be below from' }] : []),
  ];
  if (faults.length > 0) throw new InvalidRequestError(faults, head);
}
