/** What each route asks of a key: the document says it, and the service holds to it. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { SCOPES, type Scope } from '../../src/access/scopes.ts';
import { accessOf } from '../../src/http/route-access.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { issueKey, type IssuedKey } from '../support/keys.ts';
import { startService, type Reply, type Service } from '../support/service.ts';

// oxlint-disable-next-line typescript/no-explicit-any -- a document of many shapes
type Any = any;

type Operation = { readonly method: 'get' | 'post'; readonly template: string; readonly operation: Any };

const OPEN = ['get /', 'get /health', 'get /ready', 'get /problems/{code}'];
const ANY_KEY = ['get /openapi.json'];
const NOBODY = '01998a6e-7c00-7abc-8000-00000000dead';

let database: TestDatabase;
let service: Service;
let operations: Operation[];
const keys = new Map<Scope, IssuedKey>();

before(async () => {
  database = await createTestDatabase();
  for (const scope of SCOPES) keys.set(scope, await issueKey(database, [scope]));
  service = await startService(database, { worker: false });
  const document = (await service.get('/openapi.json', keys.get('audit:read')!.headers)).body;
  operations = Object.entries<Any>(document.paths).flatMap(([template, methods]) =>
    Object.entries<Any>(methods).map(([method, operation]) => ({
      ...{ method: method as Operation['method'], template, operation },
    })),
  );
  assert.ok(operations.length > 50);
  assert.equal(document.components.securitySchemes.key.scheme, 'bearer');
});

after(async () => {
  await service.close();
  await database.drop();
});

function nameOf({ method, template }: Operation): string {
  return `${method} ${template}`;
}

/** Asked for something that is not there, or in a way that cannot be understood: it only has to get past the door. */
function ask({ method, template }: Operation, headers: Record<string, string>): Promise<Reply> {
  const path = template.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    name.toLowerCase().endsWith('id') ? NOBODY : 'none',
  );
  // A stream has no end.
  const query = template === '/events/stream' ? '?after=x' : '';
  return method === 'get'
    ? service.get(path + query, headers)
    : service.post(path, '{"no":"such"}', 'k', headers);
}

function scopeIn({ operation }: Operation): Scope | undefined {
  return operation.security[0]?.key[0];
}

test('the document says of every route what it needs, as the contract has it', () => {
  for (const each of operations) {
    const name = nameOf(each);
    const { security } = each.operation;
    assert.ok(Array.isArray(security), name);
    if (OPEN.includes(name)) assert.deepEqual(security, [], name);
    else if (ANY_KEY.includes(name)) assert.deepEqual(security, [{ key: [] }], name);
    else assert.equal(scopeIn(each), expectedScope(each), name);
  }
});

/** The contract's own words, apart from the code that carries them out. */
function expectedScope({ method, template }: Operation): Scope {
  const isReserved = /^\/keys(\/|$)|\/erase$|^\/projections\/.*\/(rebuild|rollback)$/.test(template);
  if (isReserved) return 'admin';
  if (/^\/(events|audit)(\/|$)/.test(template)) return 'audit:read';
  return method === 'get' ? 'queries:read' : 'commands:write';
}

test('the document has a 401 and a 403 where a key is needed, and only there', () => {
  for (const each of operations) {
    const needsKey = !OPEN.includes(nameOf(each));
    const codes = ['401', '403'].map((status) => {
      const response = each.operation.responses[status];
      return Object.keys(response?.content['application/problem+json'].examples ?? {});
    });
    assert.equal(codes[0]?.includes('unauthenticated') ?? false, needsKey, nameOf(each));
    const needsScope = needsKey && !ANY_KEY.includes(nameOf(each));
    assert.equal(codes[1]?.includes('forbidden') ?? false, needsScope, nameOf(each));
  }
});

test('without a key every route but those that are open answers 401, and says how to ask', async () => {
  for (const each of operations) {
    const reply = await ask(each, {});
    if (OPEN.includes(nameOf(each))) {
      assert.notEqual(reply.status, 401, nameOf(each));
      continue;
    }
    assert.equal(reply.status, 401, `${nameOf(each)}: ${reply.text}`);
    assert.equal(reply.body.code, 'unauthenticated');
    assert.match(String(reply.headers['content-type']), /^application\/problem\+json/);
    assert.equal(reply.headers['www-authenticate'], 'Bearer realm="coffer"');
    assert.equal(reply.headers['coffer-position'], undefined);
  }
});

test('a key gets past the door of the routes of its scope, and is told the scope of all others', async () => {
  for (const each of operations.filter((one) => scopeIn(one) !== undefined)) {
    const needed = scopeIn(each);
    for (const [held, { headers }] of keys) {
      const reply = await ask(each, headers);
      const about = `${nameOf(each)} with ${held}: ${reply.text.slice(0, 200)}`;
      if (held === needed || held === 'admin') {
        assert.ok(reply.status !== 401 && reply.status !== 403 && reply.status < 500, about);
        continue;
      }
      assert.equal(reply.status, 403, about);
      assert.equal(reply.body.code, 'forbidden', about);
      assert.equal(reply.body.scope, needed, about);
      assert.equal(
        reply.headers['www-authenticate'],
        `Bearer realm="coffer", error="insufficient_scope", scope="${needed}"`,
      );
    }
  }
});

test('HEAD asks for what GET asks for', async () => {
  const head = async (url: string, headers: Record<string, string>): Promise<number> =>
    (await service.http.inject({ method: 'HEAD', url, headers })).statusCode;
  assert.equal(await head('/users', {}), 401);
  assert.equal(await head('/users', keys.get('audit:read')!.headers), 403);
  assert.equal(await head('/users', keys.get('queries:read')!.headers), 200);
});

test('only who has a key is told that a path is none', async () => {
  const nowhere: Operation = { method: 'get', template: '/nowhere', operation: {} };
  assert.equal((await ask(nowhere, {})).status, 401);
  for (const { headers } of keys.values()) assert.equal((await ask(nowhere, headers)).status, 404);
  const docs: Operation = { method: 'get', template: '/docs/json', operation: {} };
  assert.equal((await ask(docs, {})).status, 401);
  assert.equal((await ask(docs, keys.get('commands:write')!.headers)).status, 200);
});

test('who opens the documentation with a browser, which sends no key, is told how to read it', async () => {
  for (const path of ['/docs', '/docs/', '/docs/static/index.html', '/openapi.json']) {
    const reply = await service.get(path, { accept: 'text/html' });
    assert.equal(reply.status, 401, path);
    assert.match(reply.body.detail, /foot of the dashboard, at \/.*curl --header .* \/openapi\.json/);
    assert.equal(reply.headers['www-authenticate'], 'Bearer realm="coffer"');
  }
  assert.doesNotMatch((await service.get('/users')).body.detail, /dashboard/);
});

test('a route that says nothing of itself is never open', () => {
  assert.equal(accessOf({ method: 'GET', url: '/new' }), 'queries:read');
  assert.equal(accessOf({ method: ['GET', 'POST'], url: '/new' }), 'commands:write');
  assert.equal(accessOf({ method: 'POST', url: '/new' }), 'commands:write');
  assert.equal(accessOf({ method: 'POST', url: '/audit/new' }), 'audit:read');
  assert.equal(accessOf({ method: 'DELETE', url: '/keys/:id' }), 'admin');
  assert.equal(accessOf({ method: 'POST', url: '/projections/:name/new' }), 'admin');
  assert.equal(accessOf({ method: 'GET', url: '/eventsource' }), 'queries:read');
});
