/** Verifications of the whole log, set going and watched: what `coffer audit verify` does. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { idSchema } from '../../commands/fields.ts';
import { RefusedError } from '../../errors.ts';
import { headPosition } from '../../events/head.ts';
import { actionRoute } from '../action-route.ts';
import * as examples from '../audit-examples.ts';
import { publicKey, verification } from '../audit-resources.ts';
import { listOf as exampleList } from '../examples.ts';
import { queryRoute } from '../query-route.ts';
import { listOf } from '../resources.ts';

export function verificationRoutes(app: FastifyInstance): void {
  actionRoute(app, {
    url: '/audit/verifications',
    operationId: 'startVerification',
    tag: 'audit',
    summary: 'Verify the whole log',
    description:
      'As `coffer audit verify` does: every balance is derived twice, and log, entries, heads, read models and checkpoints are held against each other. At most one at a time in a process, in a thread of its own that gives way to requests.',
    params: z.strictObject({}),
    status: 202,
    answer: verification,
    example: examples.verification,
    problems: ['verification_running'],
    act: async (_params, { verifications }) => {
      const started = verifications.start();
      if ('id' in started) return started;
      const detail = 'A verification is running already, and there is one at a time in a process.';
      const figures = { running: started.running };
      throw new RefusedError({ code: 'verification_running', detail, figures });
    },
  });

  queryRoute(app, {
    url: '/audit/verifications',
    operationId: 'listVerifications',
    tag: 'audit',
    summary: 'Verifications that this process was asked for, newest first',
    description: 'At most 20. A process that starts has none.',
    answer: listOf(verification),
    example: exampleList(examples.verification),
    problems: [],
    read: async (_params, _query, ledger) => ({
      body: { data: ledger.verifications.list(), nextCursor: null },
      position: await headPosition(ledger.readPool, ledger.ledgerId),
    }),
  });

  queryRoute(app, {
    url: '/audit/verifications/:id',
    operationId: 'getVerification',
    tag: 'audit',
    summary: 'How a verification gets on, and what it came to',
    params: z.strictObject({ id: idSchema.meta({ description: 'Of the verification.' }) }),
    answer: verification,
    example: examples.verification,
    problems: ['verification_not_found'],
    read: async ({ id }, _query, ledger) => {
      const position = await headPosition(ledger.readPool, ledger.ledgerId);
      const body = ledger.verifications.find(id);
      if (body !== null) return { body, position };
      const detail = 'This process knows of no verification with this id.';
      return { refusal: { code: 'verification_not_found', detail, figures: {} }, position };
    },
  });

  queryRoute(app, {
    url: '/audit/public-keys',
    operationId: 'listPublicKeys',
    tag: 'audit',
    summary: 'The keys that checkpoints are signed with',
    description: 'As C2SP vkeys, every key that ever signed, the one that signs now last.',
    answer: listOf(publicKey),
    example: exampleList(examples.publicKey),
    problems: [],
    read: async (_params, _query, ledger) => ({
      body: { data: await ledger.audit.publicKeys(), nextCursor: null },
      position: await headPosition(ledger.readPool, ledger.ledgerId),
    }),
  });
}
