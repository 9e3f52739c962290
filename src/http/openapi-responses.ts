/** The answers of an operation as the OpenAPI document tells them: the successes, and every problem by status. */
import { SCOPES } from '../access/scopes.ts';
import type { JsonSchema } from './openapi-schema.ts';
import { problemOf, problemTable, type ProblemCode } from './problems.ts';
import type { Access } from './route-access.ts';

/** What a route tells about itself beyond its schemas, in `config`. */
export type RouteFacts = {
  readonly operationId: string;
  /** What a caller has to hold; the routes' own `access` or what follows from their path. */
  readonly access?: Access;
  /** Codes this route can answer beyond those every route can. */
  readonly problems: readonly ProblemCode[];
  /** Of a write, which takes an Idempotency-Key and answers the position of its event. */
  readonly writes?: {
    readonly bodyName: string;
    readonly bodyExample: unknown;
    /** False where keys are in the body. */
    readonly keyed?: boolean;
  };
  /** False where an answer is not about a ledger. */
  readonly ledger?: boolean;
  /** An example of the body of a successful answer. */
  readonly example?: unknown;
  /** The same of a dry run, which is a 200 where the command itself is a 201. */
  readonly dryRunExample?: unknown;
  /** The same of a command that is to be done later, which is a 202. */
  readonly scheduledExample?: unknown;
};

const EVERY_ROUTE: readonly ProblemCode[] = [
  'host_not_allowed',
  'rate_limited',
  'internal_error',
  'shutting_down',
  'overloaded',
];

const EVERY_LEDGER_ROUTE: readonly ProblemCode[] = ['validation_failed', 'database_unavailable'];

const EVERY_WRITE: readonly ProblemCode[] = [
  'idempotency_key_missing',
  'idempotency_key_invalid',
  'idempotency_key_reused',
  'cross_site_write',
  'payload_too_large',
  'unsupported_media_type',
  'outcome_unknown',
];

/** Members beyond those of every problem, in the order in which they are answered. */
const EXAMPLE_MEMBERS: Partial<Record<ProblemCode, Readonly<Record<string, unknown>>>> = {
  validation_failed: {
    errors: [{ path: 'amount', message: 'must not have a decimal point: count in minor units' }],
  },
  insufficient_funds: {
    available: '50',
    required: '100',
    transactionId: '01998a6e-7c00-7000-8000-000000000004',
  },
  limit_exceeded: {
    walletId: '01998a6e-7c00-7000-8000-000000000002',
    ...{ window: 'day', scope: 'wallet', limit: '1000', used: '950', required: '100' },
    freesAt: '2026-01-02T01:00:00.000Z',
    transactionId: '01998a6e-7c00-7000-8000-000000000004',
  },
  idempotency_key_reused: { differs: ['amount'] },
  forbidden: { scope: 'commands:write' },
};

const TRANSACTION = { type: 'string', examples: ['01998a6e-7c00-7000-8000-000000000004'] };

const problem: JsonSchema = {
  type: 'object',
  description: 'RFC 9457. Further members depend on the code; GET the type for advice.',
  required: ['type', 'title', 'status', 'detail', 'code', 'instance'],
  properties: {
    type: { type: 'string', format: 'uri-reference', examples: ['/problems/insufficient_funds'] },
    title: { type: 'string' },
    status: { type: 'integer', minimum: 400, maximum: 599 },
    detail: { type: 'string' },
    code: { type: 'string', enum: Object.keys(problemTable) },
    instance: { type: 'string', format: 'uri-reference', description: "The request's path." },
    errors: {
      type: 'array',
      description: 'Of validation_failed: which field, and what is wrong with it.',
      items: {
        type: 'object',
        required: ['path', 'message'],
        properties: { path: { type: 'string' }, message: { type: 'string' } },
      },
    },
    differs: {
      type: 'array',
      description: 'Of idempotency_key_reused: the fields in which the requests differ.',
      items: { type: 'string' },
    },
    scope: {
      type: 'string',
      enum: ['wallet', 'asset', ...SCOPES],
      description: 'Of limit_exceeded: whose limit. Of forbidden: what the key lacks.',
    },
    available: { $ref: '#/components/schemas/SignedAmount', description: 'Of insufficient_funds.' },
    required: {
      $ref: '#/components/schemas/Amount',
      description: 'Of insufficient_funds and limit_exceeded.',
    },
    overdraft: {
      $ref: '#/components/schemas/Amount',
      description: 'Of insufficient_funds, where the wallet has one: how far below zero it may be taken.',
    },
    window: {
      type: 'string',
      enum: ['transaction', 'day', 'week', 'month'],
      description: 'Of limit_exceeded: which limit; of several the one that stands in the way longest.',
    },
    limit: { $ref: '#/components/schemas/Amount', description: 'Of limit_exceeded.' },
    used: { $ref: '#/components/schemas/Amount', description: 'Of limit_exceeded: what counts already.' },
    freesAt: {
      anyOf: [{ $ref: '#/components/schemas/Time' }, { type: 'null' }],
      description:
        'Of limit_exceeded: when this amount fits again if nothing else is spent; null: never under this limit.',
    },
    transactionId: {
      ...TRANSACTION,
      description: 'Of a remembered refusal: GET /transactions/{id} shows it.',
    },
  },
};

const headers = {
  'Coffer-Position': {
    description:
      'Of a command: the position of its event. Of a query: the position the read model had reached. Of what was refused and is not remembered: where the ledger stood, if it was looked at.',
    schema: { $ref: '#/components/schemas/Position' },
  },
  'X-Request-Id': {
    description: "The request's id: the caller's own if it sent a sane one.",
    schema: { type: 'string', examples: ['01998a6e-7c00-7abc-8000-00000000000a'] },
  },
  'Idempotent-Replayed': {
    description: 'true when this is the first answer again; else there is no such header.',
    schema: { type: 'string', enum: ['true'] },
  },
  'WWW-Authenticate': {
    description: 'RFC 6750: the realm, what is wrong with the key, and the scope it lacks.',
    schema: {
      type: 'string',
      examples: ['Bearer realm="coffer", error="insufficient_scope", scope="admin"'],
    },
  },
  'Retry-After': {
    description: 'Seconds.',
    schema: { type: 'string', pattern: '^[0-9]+$', examples: ['1'] },
  },
} as const;

type HeaderName = keyof typeof headers;

export const sharedComponents = {
  schemas: { Problem: problem },
  headers,
  examples: Object.fromEntries(
    (Object.keys(problemTable) as ProblemCode[]).map((code) => [code, exampleOf(code)]),
  ),
};

function exampleOf(code: ProblemCode): unknown {
  const { title, advice } = problemTable[code];
  const value = problemOf(code, `${title}.`, '/transactions/spend', EXAMPLE_MEMBERS[code]);
  return { summary: title, description: advice, value };
}

function headersNamed(names: readonly HeaderName[]): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

/** `successes`: JSON Schema by status, or an object with `content`, as the schemas of the route have it. */
export function responsesOf(
  facts: RouteFacts,
  successes: Readonly<Record<string, JsonSchema>>,
): Record<string, unknown> {
  const responses = new Map<string, Record<string, unknown>>();
  for (const [status, schema] of Object.entries(successes))
    responses.set(status, success(facts, status, schema));
  for (const [status, codes] of Map.groupBy(codesOf(facts), (code) => problemTable[code].status.toString())) {
    const own = responses.get(status);
    const refusal = problemResponse(facts, status, codes);
    // GET /ready answers 503 in its own words, and as a problem while the service shuts down.
    const content = { ...(own?.['content'] as object | undefined), ...refusal.content };
    responses.set(status, { ...refusal, content });
  }
  return Object.fromEntries([...responses].sort(([a], [b]) => Number(a) - Number(b)));
}

/** What a caller can lack. */
function refusedTo({ access = 'open' }: RouteFacts): ProblemCode[] {
  if (access === 'open') return [];
  return access === 'any' ? ['unauthenticated'] : ['unauthenticated', 'forbidden'];
}

function codesOf(facts: RouteFacts): Set<ProblemCode> {
  const { ledger, writes, problems } = facts;
  const ofLedger = ledger === false ? [] : EVERY_LEDGER_ROUTE;
  return new Set([
    ...ofLedger,
    ...(writes === undefined ? [] : EVERY_WRITE),
    ...problems,
    ...refusedTo(facts),
    ...EVERY_ROUTE,
  ]);
}

function exampleFor({ example, dryRunExample, scheduledExample }: RouteFacts, status: string): unknown {
  if (status === '202') return scheduledExample ?? example;
  return status === '200' ? (dryRunExample ?? example) : example;
}

function success(facts: RouteFacts, status: string, schema: JsonSchema): Record<string, unknown> {
  const content = (schema['content'] as Record<string, object> | undefined) ?? {
    'application/json': { schema },
  };
  const shown = Object.entries(content).map(([type, media]) => {
    const value = exampleFor(facts, status);
    const hasExample = type === 'application/json' && status.startsWith('2') && value !== undefined;
    return [type, { ...media, ...(hasExample ? { examples: { example: { value } } } : {}) }];
  });
  return {
    description: schema['description'] ?? (facts.writes === undefined ? 'Found' : 'Written'),
    headers: headersNamed([
      'X-Request-Id',
      ...(facts.ledger === false ? [] : (['Coffer-Position'] as const)),
      ...(facts.writes === undefined ? [] : (['Idempotent-Replayed'] as const)),
    ]),
    content: Object.fromEntries(shown) as unknown,
  };
}

/** What is answered from the ledger; of the others what it was looked at for, such as a position beyond its head. */
const POSITIONED = new Set(['400', '404', '409', '410', '422', '503']);

function problemResponse(facts: RouteFacts, status: string, codes: readonly ProblemCode[]) {
  const positioned = facts.ledger !== false && POSITIONED.has(status);
  const remembered = facts.writes !== undefined && status === '422';
  return {
    description: codes.map((code) => `\`${code}\`: ${problemTable[code].title}`).join('  \n'),
    headers: headersNamed([
      'X-Request-Id',
      ...(positioned ? (['Coffer-Position'] as const) : []),
      ...(remembered ? (['Idempotent-Replayed'] as const) : []),
      ...(codes.includes('unauthenticated') || codes.includes('forbidden')
        ? (['WWW-Authenticate'] as const)
        : []),
      ...(status === '503' || status === '429' ? (['Retry-After'] as const) : []),
    ]),
    content: {
      'application/problem+json': {
        schema: { $ref: '#/components/schemas/Problem' },
        examples: Object.fromEntries(codes.map((code) => [code, { $ref: `#/components/examples/${code}` }])),
      },
    },
  };
}
