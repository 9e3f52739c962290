/**
 * Requests as nobody should send them, made from the OpenAPI document: each begins as the example of an operation and
 * is then spoilt in some ways, as bytes, so that what no HTTP library would send is sent too.
 */
import fc from 'fast-check';

export type Operation = {
  readonly method: string;
  readonly path: string;
  readonly queries: readonly string[];
  readonly bodyExample: unknown;
};

export type FuzzedRequest = { readonly bytes: Buffer; readonly operation: string };

// oxlint-disable-next-line typescript/no-explicit-any -- a document of many shapes
type Any = any;

/** `real`: values that exist, by the names of the fields that hold such. Without the stream that never ends, and without the pages, which take no input. */
export function operationsOf(document: Any, real: Readonly<Record<string, string>>): Operation[] {
  return Object.entries<Any>(document.paths).flatMap(([path, methods]) =>
    Object.entries<Any>(methods).flatMap(([method, operation]) => {
      if (path === '/events/stream' || path === '/') return [];
      const parameters: Any[] = operation.parameters ?? [];
      return [
        {
          method: method.toUpperCase(),
          path,
          queries: parameters.filter((each) => each.in === 'query').map((each) => String(each.name)),
          bodyExample: withReal(bodyExampleOf(operation.requestBody?.content?.['application/json']), real),
        },
      ];
    }),
  );
}

function bodyExampleOf(content: Any): unknown {
  if (content === undefined) return undefined;
  return (
    content.example ??
    Object.values<Any>(content.examples ?? {})[0]?.value ??
    content.schema?.examples?.[0] ??
    {}
  );
}

const LONG = 'x'.repeat(5_000);

/** The example, with what its fields name made to exist, so that more than "unknown" can go wrong. */
function withReal(example: unknown, real: Readonly<Record<string, string>>): unknown {
  if (example === undefined) return undefined;
  return JSON.parse(JSON.stringify(example), (name, value: unknown) => real[name] ?? value) as unknown;
}

/** What has broken somebody's parser, query, template or arithmetic before. */
const NASTY: readonly unknown[] = [
  ...[null, true, false, 0, -0, 1, -1, 1.5, 1e21, 1e308, 2 ** 53, Number.MIN_VALUE, [], {}, [[]], [null]],
  ...['', ' ', '0', '-1', '+1', '1e3', '1.5', '007', '0x10', 'NaN', 'Infinity', 'null', 'undefined', 'true'],
  ...['9'.repeat(38), '9'.repeat(39), '9'.repeat(1_000), '9223372036854775807', '9223372036854775808'],
  ...[
    '\u0000',
    'a\u0000b',
    '\ud800',
    '\udc00x',
    '\u202e',
    '\u200b',
    '\ufeff',
    'ß',
    '٥',
    '𝟙',
    '👩‍👩‍👧',
    'e\u0301'.repeat(500),
  ],
  ...[
    '\r\n',
    'a\r\nX-Injected: 1',
    '\u007f',
    '\u001b[2J',
    '\t',
    '\\',
    '"',
    "'",
    '`',
    '%',
    '%00',
    '%ff',
    '%c0%af',
    '..',
  ],
  ...[
    "'; drop table events; --",
    "' or '1'='1",
    '$1',
    '${7*7}',
    '{{7*7}}',
    '<script>',
    '../../../etc/passwd',
    '|ls',
  ],
  ...['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'then', 'toJSON', 'valueOf'],
  ...[
    '1970-01-01T00:00:00.000Z',
    '9999-12-31T23:59:59.999Z',
    '+275760-09-13T00:00:00.000Z',
    '2026-02-30T00:00:00Z',
  ],
  ...[
    '00000000-0000-0000-0000-000000000000',
    'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF',
    'a@b.c',
    LONG,
    [LONG],
    { a: LONG },
  ],
  ...[
    { __proto__: null, constructor: { prototype: { polluted: true } } },
    { then: 1 },
    { toString: null, valueOf: null },
  ],
];

const NUMBERS_AS_TEXT = [
  '1e400',
  '-1e400',
  '1E-400',
  `1${'0'.repeat(400)}`,
  'NaN',
  'Infinity',
  '01',
  '1.',
  '.5',
  '0x1F',
  '-0',
];

const nasty: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...NASTY) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  { weight: 1, arbitrary: fc.bigInt().map(String) },
);

const nastyText = nasty.map((value) => (typeof value === 'string' ? value : JSON.stringify(value)));

/** The example with up to three of its places changed, wherever they are. */
function spoiltBody(example: unknown, known: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const change = fc.record({
    at: fc.nat(),
    how: fc.constantFrom('replace', 'replace', 'known', 'known', 'delete', 'add', 'nest'),
    value: nasty,
    known,
    name: fc.constantFrom(
      '__proto__',
      'constructor',
      'admin',
      'amount',
      '',
      LONG,
      'dryRun',
      'executeAt',
      'metadata',
    ),
  });
  return fc.array(change, { maxLength: 3 }).map((changes) => {
    let body: Any = JSON.parse(JSON.stringify(example ?? {}));
    for (const { at, how, value: shared, known: id, name } of changes) {
      // Of its own, or a change of one body would be a change of others, or of a body within itself.
      const value = shared === undefined ? null : (JSON.parse(JSON.stringify(shared)) as unknown);
      const places = placesOf(body);
      const place = places[at % Math.max(1, places.length)];
      if (place === undefined) body = how === 'add' ? { [name]: value } : value;
      else if (how === 'delete') delete place.of[place.name];
      // Not by assignment, which would set the prototype.
      else if (how === 'add')
        Object.defineProperty(place.of, name, {
          value,
          enumerable: true,
          configurable: true,
          writable: true,
        });
      else if (how === 'nest') place.of[place.name] = [place.of[place.name]];
      else place.of[place.name] = how === 'known' ? id : value;
    }
    return body as unknown;
  });
}

function placesOf(value: Any): { of: Any; name: string }[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.keys(value).flatMap((name) => [{ of: value, name }, ...placesOf(value[name])]);
}

/** The body as bytes: mostly JSON, sometimes what only looks like it. */
function bytesOf(body: unknown): fc.Arbitrary<Buffer> {
  const json = Buffer.from(JSON.stringify(body) ?? '');
  const text = json.toString();
  return fc.oneof(
    { weight: 20, arbitrary: fc.constant(json) },
    {
      weight: 2,
      arbitrary: fc
        .constantFrom(...NUMBERS_AS_TEXT)
        .map((number) => Buffer.from(text.replace(/"[0-9]+"/, number))),
    },
    { weight: 1, arbitrary: fc.nat(json.length).map((at) => json.subarray(0, at)) },
    {
      weight: 1,
      arbitrary: fc
        .nat(json.length)
        .map((at) =>
          Buffer.concat([json.subarray(0, at), Buffer.from([0xff, 0xc0, 0x80]), json.subarray(at)]),
        ),
    },
    { weight: 1, arbitrary: fc.constantFrom(...otherBodies(text)) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)) },
  );
}

function otherBodies(text: string): Buffer[] {
  return [
    '['.repeat(100_000),
    '{"a":'.repeat(20_000) + '1' + '}'.repeat(20_000),
    `{"amount":"1","amount":"2"}`,
    `{"__proto__":{"polluted":true},${text.slice(1)}`,
    `\ufeff${text}`,
    `${text}${text}`,
    `"${'x'.repeat(300_000)}"`,
    `{${Array.from({ length: 5_000 }, (_, index) => `"k${index}":1`).join(',')}}`,
    'null',
    '"text"',
    '',
  ].map((body) => Buffer.from(body));
}

const keyHeader = fc.oneof(
  { weight: 12, arbitrary: fc.uuid().map((key) => [`Idempotency-Key: ${key}`]) },
  { weight: 1, arbitrary: fc.constant<string[]>([]) },
  { weight: 1, arbitrary: fc.constant(['Idempotency-Key: one', 'Idempotency-Key: two']) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('', ' ', 'a b', 'ü', 'k'.repeat(256), '__proto__', "';--")
      .map((key) => [`Idempotency-Key: ${key}`]),
  },
);

const mediaType = fc.oneof(
  { weight: 15, arbitrary: fc.constant('application/json') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '',
      'text/plain',
      'application/json; charset=utf-16',
      'application/xml',
      'multipart/form-data',
      'application/json; charset="',
      '*/*',
    ),
  },
);

const otherHeaders = fc.oneof(
  { weight: 15, arbitrary: fc.constant<string[]>([]) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ['Content-Encoding: gzip'],
      ['Accept: application/x-ndjson'],
      ['Accept: text/html', 'Accept: */*;q=0.1'],
      ['X-Bad\u0001: 1'],
      ['No colon here'],
      [`X-Long: ${'x'.repeat(20_000)}`],
      ['Range: bytes=0-1', 'If-None-Match: *', 'Expect: 100-continue'],
      ['X-HTTP-Method-Override: DELETE'],
      ['Host: evil.example'],
      ['Authorization: Bearer nobody', 'Cookie: a=b'],
      ['Upgrade: websocket', 'Connection: upgrade'],
    ),
  },
);

/** `known`: ids, slugs and the like that exist. Each request has an `X-Request-Id` of its own, which events keep. */
export function fuzzedRequest(
  operations: readonly Operation[],
  known: readonly string[],
  from: { readonly requestId: () => string; readonly apiKey: string },
): fc.Arbitrary<(host: string) => FuzzedRequest & { readonly requestId: string }> {
  const word = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...known) },
    { weight: 1, arbitrary: nastyText },
  );
  return fc.constantFrom(...operations).chain((operation) =>
    fc
      .record({
        words: fc.array(word, { minLength: 4, maxLength: 4 }),
        queries: fc.array(fc.tuple(fc.constantFrom('x', ...operation.queries), word), { maxLength: 3 }),
        raw: fc.integer({ min: 0, max: 30 }).map((chance) => chance === 0),
        method: fc.oneof(
          { weight: 30, arbitrary: fc.constant(operation.method) },
          {
            weight: 1,
            arbitrary: fc.constantFrom('PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS', 'TRACE', 'get', 'BREW'),
          },
        ),
        body: spoiltBody(operation.bodyExample, fc.constantFrom<unknown>(...known)).chain(bytesOf),
        ...{ key: keyHeader, type: mediaType, others: otherHeaders },
      })
      .map(({ words, queries, raw, method, body, key, type, others }) => (host: string) => {
        const id = from.requestId();
        const encode = raw ? (text: string) => text : safely;
        let next = 0;
        const path = operation.path.replaceAll(/\{\w+\}/g, () => encode(words[next++] ?? 'x'));
        const query = queries.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&');
        const sends = operation.method === 'POST';
        const head = [
          `${method} ${path}${query === '' ? '' : `?${query}`} HTTP/1.1`,
          `Host: ${host}`,
          'Connection: close',
          `X-Request-Id: ${id}`,
          `Authorization: Bearer ${from.apiKey}`,
          ...(sends ? [...key, `Content-Type: ${type}`, `Content-Length: ${body.length}`] : []),
          ...others,
        ];
        const bytes = Buffer.concat([
          Buffer.from(`${head.join('\r\n')}\r\n\r\n`),
          sends ? body : Buffer.alloc(0),
        ]);
        return { bytes, operation: `${operation.method} ${operation.path}`, requestId: id };
      }),
  );
}

/** encodeURIComponent refuses lone surrogates. */
function safely(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}
