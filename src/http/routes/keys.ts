/** The keys of the caller's ledger, for those who may manage them. A secret is answered once, to whoever made it. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import {
  createKey,
  listKeys,
  revokeKey,
  rotateKey,
  type NewSecret,
  type StoredKey,
} from '../../access/keys.ts';
import { SCOPES } from '../../access/scopes.ts';
import { headPosition } from '../../events/head.ts';
import { InvalidRequestError } from '../../errors.ts';
import type { HttpDeps } from '../deps.ts';
import { apiKey, apiKeyWithSecret } from '../key-resources.ts';
import * as examples from '../key-examples.ts';
import { timeParam } from '../query-params.ts';
import { queryRoute } from '../query-route.ts';
import { listOf } from '../resources.ts';

/** Of an overlap: long enough to bring the new secret to every program. */
const MAX_OVERLAP_SECONDS = 7 * 24 * 60 * 60;

const createBody = z.strictObject({
  name: z
    .string()
    .trim()
    .min(1)
    .max(100)
    .meta({ description: 'For people: who uses it.', examples: ['shop'] }),
  scopes: z
    .array(z.enum(SCOPES))
    .min(1)
    .max(SCOPES.length)
    .meta({ description: '`admin` covers all the others.', examples: [['queries:read', 'commands:write']] }),
  expiresAt: timeParam.optional().meta({ description: 'Default: never.' }),
});

const rotateBody = z.strictObject({
  overlapSeconds: z
    .int()
    .min(0)
    .max(MAX_OVERLAP_SECONDS)
    .default(0)
    .meta({ description: 'How long the old secret counts beside the new one. Default 0: not at all.' }),
});

const byId = z.strictObject({
  id: z
    .string()
    .regex(/^[\x21-\x7e]{1,100}$/, 'is not an id or prefix of a key')
    .min(1)
    .max(64)
    .meta({ description: 'The id of a key, or its prefix.', examples: ['cof_m2x7k4qa'] }),
});

const tags = ['keys'];

/** A change is in force in this process when it is answered, and in all others within a second. */
export function keyRoutes(app: FastifyInstance, { keys }: Pick<HttpDeps, 'keys'>): void {
  queryRoute(app, {
    url: '/keys',
    operationId: 'listKeys',
    tag: 'keys',
    summary: 'The keys of the ledger, oldest first, without their secrets',
    answer: listOf(apiKey),
    example: { data: [examples.apiKey], nextCursor: null },
    problems: [],
    read: async (_params, _query, { readPool, ledgerId }) => {
      const keys = await listKeys(readPool, ledgerId);
      const position = await headPosition(readPool, ledgerId);
      return { body: { data: keys.map(shown), nextCursor: null }, position };
    },
  });
  const inForce = async <Changed>(change: Promise<Changed>): Promise<Changed> => {
    const changed = await change;
    await keys.caughtUp();
    return changed;
  };
  createRoute(app, inForce);
  changeRoutes(app, inForce);
}

type InForce = <Changed>(change: Promise<Changed>) => Promise<Changed>;

function createRoute(app: FastifyInstance, inForce: InForce): void {
  app.withTypeProvider<ZodTypeProvider>().route({
    method: 'POST',
    url: '/keys',
    schema: {
      tags,
      summary: 'Make a key for the ledger',
      description: 'The secret is in this answer and nowhere else. An Idempotency-Key is ignored.',
      body: createBody,
      response: { 201: apiKeyWithSecret },
    },
    config: {
      facts: {
        operationId: 'createKey',
        writes: { bodyName: 'CreateKey', bodyExample: examples.createKeyBody, keyed: false },
        problems: ['validation_failed', 'database_unavailable', 'too_many_keys'],
        ledger: false,
        example: examples.apiKeyWithSecret,
      },
    },
    handler: async (request, reply) => {
      const { name, scopes, expiresAt = null } = request.body;
      if (expiresAt !== null && Date.parse(expiresAt) <= Date.now())
        throw new InvalidRequestError([{ path: 'expiresAt', message: 'must be in the future' }]);
      const { readPool, ledgerId } = request.ledger;
      const wanted = { name, scopes: [...new Set(scopes)], expiresAt };
      return sendSecret(reply.code(201), await inForce(createKey(readPool, ledgerId, wanted)));
    },
  });
}

function changeRoutes(app: FastifyInstance, inForce: InForce): void {
  app.withTypeProvider<ZodTypeProvider>().route({
    method: 'POST',
    url: '/keys/:id/revoke',
    schema: {
      tags,
      summary: 'Revoke a key',
      description: 'For ever, and in every process within a second; what it streams is cut off.',
      params: byId,
      body: z.strictObject({}),
      response: { 200: apiKey },
    },
    config: {
      facts: {
        operationId: 'revokeKey',
        writes: { bodyName: 'RevokeKey', bodyExample: {}, keyed: false },
        problems: ['validation_failed', 'database_unavailable', 'key_not_found'],
        ledger: false,
        example: examples.apiKey,
      },
    },
    preValidation: withBody,
    handler: async (request, reply) => {
      const { readPool, ledgerId } = request.ledger;
      return sendKey(reply, shown(await inForce(revokeKey(readPool, ledgerId, request.params.id))));
    },
  });

  app.withTypeProvider<ZodTypeProvider>().route({
    method: 'POST',
    url: '/keys/:id/rotate',
    schema: {
      tags,
      summary: 'Give a key another secret',
      description: 'Its id, name, scopes and end stay; so does the actor of its events.',
      params: byId,
      body: rotateBody,
      response: { 200: apiKeyWithSecret },
    },
    config: {
      facts: {
        operationId: 'rotateKey',
        writes: { bodyName: 'RotateKey', bodyExample: { overlapSeconds: 3_600 }, keyed: false },
        problems: ['validation_failed', 'database_unavailable', 'key_not_found', 'key_closed'],
        ledger: false,
        example: examples.apiKeyWithSecret,
      },
    },
    preValidation: withBody,
    handler: async (request, reply) => {
      const { readPool, ledgerId } = request.ledger;
      const { overlapSeconds } = request.body;
      const rotated = inForce(rotateKey(readPool, ledgerId, request.params.id, overlapSeconds));
      return sendSecret(reply, await rotated);
    },
  });
}

/** No body says as much as an empty one. */
function withBody(request: FastifyRequest, _reply: FastifyReply, done: () => void): void {
  request.body ??= {};
  done();
}

function shown({ ledgerId: _, ...key }: StoredKey): Omit<StoredKey, 'ledgerId'> {
  return key;
}

function sendSecret(reply: FastifyReply, { key, text }: NewSecret): FastifyReply {
  return sendKey(reply, { ...shown(key), secret: text });
}

function sendKey(reply: FastifyReply, body: object): FastifyReply {
  return reply
    .header('cache-control', 'no-store')
    .header('content-type', 'application/json; charset=utf-8')
    .send(JSON.stringify(body));
}
