/** The machine-readable contract: OpenAPI 3.1 made from the same zod schemas that check the requests. */
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { responsesOf, sharedComponents, type RouteFacts } from './openapi-responses.ts';
import { accessOf, type Access } from './route-access.ts';
import { tidySchema, type JsonSchema } from './openapi-schema.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    facts?: RouteFacts;
  }
}

const requestIdHeader = {
  'X-Request-Id': {
    type: 'string',
    maxLength: 128,
    description: 'Optional: 1 to 128 visible ASCII characters, given back.',
    examples: ['01998a6e-7c00-7abc-8000-00000000000a'],
  },
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

/** The plugin's own policy asks for HTTPS, which a server on the local network does not have. */
const DOCS_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** What the document of an operation is completed with once all of them are known. */
type Described = {
  readonly facts: RouteFacts;
  readonly body: JsonSchema | null;
  readonly responses: Record<string, JsonSchema>;
};

type Document = {
  readonly paths: Record<string, Record<string, Record<string, unknown>>>;
  readonly components: Record<string, Record<string, unknown>>;
};

export async function installOpenApi(app: FastifyInstance): Promise<void> {
  const described = new Map<string, Described>();
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
      components: { securitySchemes },
      servers: [{ url: '/', description: 'This server' }],
      tags: [
        'users',
        'assets',
        'wallets',
        'transactions',
        'holds',
        'limits',
        'scheduled',
        'log',
        'audit',
        'operations',
        'keys',
        'pages',
      ].map((name) => ({ name })),
    },
    transform: (route) => {
      const facts = route.route.config?.facts;
      if (facts === undefined) return { schema: { hide: true }, url: route.url };
      const { config, method } = route.route;
      const access = accessOf({ method, url: route.url, access: config?.access });
      const { schema, url } = jsonSchemaTransform(route);
      const { body, response, ...operation } = schema as Record<string, JsonSchema | undefined>;
      described.set(facts.operationId, {
        facts: { ...facts, access },
        body: body ?? null,
        responses: (response ?? {}) as Record<string, JsonSchema>,
      });
      return {
        schema: { ...operation, ...parametersOf(operation, facts), security: securityOf(access) },
        url,
      };
    },
    transformObject: (document) => {
      const whole = jsonSchemaTransformObject(document);
      return complete(whole as unknown as Document, described);
    },
  });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: DOCS_POLICY,
    uiConfig: { docExpansion: 'list' },
  });
}

/** Bearer keys have no scopes in the sense of OAuth; since OpenAPI 3.1 what a caller has to hold can be said all the same. */
const securitySchemes = {
  key: {
    type: 'http' as const,
    scheme: 'bearer',
    description:
      'A key of `coffer keys create`, which decides the ledger too. Before there ever was a key none is needed, and the service serves this machine alone.',
  },
};

function securityOf(access: Access): Record<string, string[]>[] {
  if (access === 'open') return [];
  return [{ key: access === 'any' ? [] : [access] }];
}

function parametersOf(
  operation: Record<string, JsonSchema | undefined>,
  facts: RouteFacts,
): Record<string, unknown> {
  const { querystring, params } = operation;
  const isWrite = facts.writes !== undefined && facts.writes.keyed !== false;
  return {
    operationId: facts.operationId,
    ...(querystring === undefined ? {} : { querystring: tidySchema(querystring, { open: false }) }),
    ...(params === undefined ? {} : { params: tidySchema(params, { open: false }) }),
    headers: {
      type: 'object',
      ...(isWrite ? { required: ['Idempotency-Key'] } : {}),
      properties: { ...(isWrite ? keyHeader : {}), ...requestIdHeader },
    },
  };
}

function complete(document: Document, described: ReadonlyMap<string, Described>): Document {
  const bodies: Record<string, JsonSchema> = {};
  for (const operation of Object.values(document.paths).flatMap((path) => Object.values(path))) {
    const of = described.get(String(operation['operationId']));
    if (of === undefined) continue;
    const { facts, body, responses } = of;
    if (facts.writes !== undefined && body !== null) {
      const { bodyName, bodyExample } = facts.writes;
      bodies[bodyName] = tidySchema(body, { open: false });
      operation['requestBody'] = requestBody(bodyName, bodyExample);
    }
    const tidied = Object.entries(responses).map(([status, schema]) => [status, tidyResponse(schema)]);
    operation['responses'] = responsesOf(facts, Object.fromEntries(tidied) as Record<string, JsonSchema>);
  }
  return {
    ...document,
    components: {
      ...sharedComponents,
      securitySchemes,
      schemas: { ...answersOf(document), ...bodies, ...sharedComponents.schemas },
    },
  };
}

function requestBody(bodyName: string, bodyExample: unknown): Record<string, unknown> {
  const schema = { $ref: `#/components/schemas/${bodyName}` };
  return {
    required: true,
    content: { 'application/json': { schema, examples: { example: { value: bodyExample } } } },
  };
}

function tidyResponse(response: JsonSchema): JsonSchema {
  const { content } = response as { content?: Record<string, { schema: JsonSchema }> };
  if (content === undefined) return tidySchema(response, { open: true });
  const tidied = Object.entries(content).map(([type, { schema }]) => [
    type,
    { schema: tidySchema(schema, { open: true }) },
  ]);
  return { ...response, content: Object.fromEntries(tidied) as unknown };
}

/** Every named schema is there twice, as it is read and as it is written; only answers are named. */
function answersOf(document: Document): Record<string, JsonSchema> {
  const named = Object.entries(document.components['schemas'] ?? {}).filter(
    ([name]) => !name.endsWith('Input'),
  );
  return Object.fromEntries(
    named.map(([name, schema]) => [name, tidySchema(schema as JsonSchema, { open: true })]),
  );
}
