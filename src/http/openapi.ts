/** The machine-readable contract: OpenAPI 3.1 made from the same zod schemas that check the requests. */
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance, FastifySchema } from 'fastify';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import { problemOf, problemTable, type ProblemCode } from './problems.ts';

/** What a route tells about itself beyond its schemas, in `config`. */
export type RouteFacts = {
  /** Codes this route can answer beyond those every route can. */
  readonly problems: readonly ProblemCode[];
  /** A write: takes an Idempotency-Key and answers the position of its event. */
  readonly writes?: boolean;
  /** False where an answer is not about a ledger. */
  readonly ledger?: boolean;
  /** An example of the body of a successful answer. */
  readonly example?: unknown;
};

declare module 'fastify' {
  interface FastifyContextConfig {
    facts?: RouteFacts;
  }
}

const EVERY_ROUTE: readonly ProblemCode[] = ['validation_failed', 'internal_error', 'shutting_down', 'database_unavailable'];

const EVERY_WRITE: readonly ProblemCode[] = [
  'idempotency_key_missing',
  'idempotency_key_invalid',
  'idempotency_key_reused',
  'payload_too_large',
  'unsupported_media_type',
  'overloaded',
  'outcome_unknown',
];

const problemSchema = {
  type: 'object',
  description: 'RFC 9457. Further members depend on the code; GET the type for advice.',
  required: ['type', 'title', 'status', 'detail', 'code', 'instance'],
  properties: {
    type: { type: 'string', examples: ['/problems/insufficient_funds'] },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { type: 'string', enum: Object.keys(problemTable) },
    instance: { type: 'string', description: "The request's path." },
    errors: {
      type: 'array',
      description: 'Of validation_failed: which field, and what is wrong with it.',
      items: {
        type: 'object',
        required: ['path', 'message'],
        properties: { path: { type: 'string' }, message: { type: 'string' } },
      },
    },
  },
};

const positionHeader = {
  description: 'Of a command: the position of its event. Of a query: the position the read model had reached.',
  schema: { type: 'string', examples: ['42'] },
};
const requestIdHeader = {
  description: "The request's id: the caller's own if it sent a sane one.",
  schema: { type: 'string' },
};
const replayedHeader = {
  description: 'true when this is the first answer again.',
  schema: { type: 'string', enum: ['true'] },
};
const retryAfterHeader = { description: 'Seconds.', schema: { type: 'string', examples: ['1'] } };

const requestHeaders = {
  'X-Request-Id': { type: 'string', description: 'Optional: 1 to 128 visible ASCII characters, given back.' },
};
const keyHeader = {
  'Idempotency-Key': {
    type: 'string',
    minLength: 1,
    maxLength: 255,
    pattern: '^[\\x21-\\x7e]{1,255}$',
    description: 'A new one for each thing you want done, the same one for each retry of it.',
    examples: ['01998a6e-7c00-7abc-8000-000000000042'],
  },
};

type Operation = Record<string, unknown> & { response?: Record<string, unknown> };

export async function installOpenApi(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Coffer',
        version: '1',
        description:
          'An event-sourced wallet service. Commands are idempotent, entries balance, and the log rebuilds every balance.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/', description: 'This server' }],
      tags: ['users', 'assets', 'wallets', 'transactions', 'log', 'operations'].map((name) => ({ name })),
      components: { schemas: { Problem: problemSchema } as never },
    },
    transform: ({ route, ...document }) => {
      const transformed = jsonSchemaTransform({ route, ...document } as Parameters<typeof jsonSchemaTransform>[0]);
      const facts = route.config?.facts;
      if (facts === undefined) return { schema: { hide: true } as FastifySchema, url: document.url };
      const operation = transformed.schema as Operation;
      return { schema: complete(operation, facts, document.url) as FastifySchema, url: transformed.url };
    },
  });
  await app.register(swaggerUi, { routePrefix: '/docs', uiConfig: { docExpansion: 'list' } });
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger());
}

function complete(operation: Operation, facts: RouteFacts, url: string): Operation {
  const codes = [...new Set([...EVERY_ROUTE, ...(facts.writes === true ? EVERY_WRITE : []), ...facts.problems])];
  return {
    ...operation,
    headers: {
      type: 'object',
      ...(facts.writes === true ? { required: ['Idempotency-Key'] } : {}),
      properties: { ...(facts.writes === true ? keyHeader : {}), ...requestHeaders },
    },
    response: { ...successes(operation.response ?? {}, facts), ...problemResponses(codes, url) },
  };
}

function successes(responses: Record<string, unknown>, facts: RouteFacts): Record<string, unknown> {
  const entries = Object.entries(responses).map(([status, schema]) => {
    const described = schema as { content?: Record<string, object>; description?: string };
    const content = described.content ?? { 'application/json': { schema } };
    const withExample = Object.entries(content).map(([type, media]) => {
      const shown = type === 'application/json' && facts.example !== undefined;
      return [type, { ...media, ...(shown ? { examples: { example: { value: facts.example } } } : {}) }];
    });
    return [
      status,
      {
        description: described.description ?? 'Success',
        headers: {
          'X-Request-Id': requestIdHeader,
          ...(facts.ledger === false ? {} : { 'Coffer-Position': positionHeader }),
          ...(facts.writes === true ? { 'Idempotent-Replayed': replayedHeader } : {}),
        },
        content: Object.fromEntries(withExample) as unknown,
      },
    ];
  });
  return Object.fromEntries(entries) as Record<string, unknown>;
}

function problemResponses(codes: readonly ProblemCode[], url: string): Record<string, unknown> {
  const byStatus = Map.groupBy(codes, (code) => problemTable[code].status);
  const entries = [...byStatus].map(([status, ofStatus]) => {
    const examples = ofStatus.map((code) => [code, { value: exampleProblem(code, url) }]);
    return [
      status,
      {
        description: ofStatus.map((code) => `\`${code}\`: ${problemTable[code].advice}`).join('\n\n'),
        headers: { 'X-Request-Id': requestIdHeader, ...(status === 503 ? { 'Retry-After': retryAfterHeader } : {}) },
        content: {
          'application/problem+json': {
            schema: { $ref: '#/components/schemas/Problem' },
            examples: Object.fromEntries(examples) as unknown,
          },
        },
      },
    ];
  });
  return Object.fromEntries(entries) as Record<string, unknown>;
}

function exampleProblem(code: ProblemCode, url: string): unknown {
  const members = {
    validation_failed: { errors: [{ path: 'limit', message: 'must be a whole number from 1 to 500' }] },
    insufficient_funds: { available: '50', required: '100', transactionId: '01998a6e-7c00-7000-8000-000000000001' },
    idempotency_key_reused: { differs: ['amount'] },
  } as Partial<Record<ProblemCode, Record<string, unknown>>>;
  return problemOf(code, problemTable[code].title, url, members[code]);
}
