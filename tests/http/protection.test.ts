/** Bounds of what clients may ask for at once, how fast, and how slowly. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { fastify } from 'fastify';
import { MAX_DEPTH } from '../../src/http/body-parser.ts';
import { installErrorHandling } from '../../src/http/error-handler.ts';
import { networkOf } from '../../src/http/rate-limit.ts';
import { boundConnections } from '../../src/http/slow-clients.ts';
import { boundStreams } from '../../src/http/streams.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { issueKey, type IssuedKey } from '../support/keys.ts';
import { startService, type Service } from '../support/service.ts';
import { until } from '../support/until.ts';
import { expectProblem } from './expect-problem.ts';
import { listen, openConnection, request } from './raw-connection.ts';

let database: TestDatabase;
const services: Service[] = [];

async function serviceWith(config: Parameters<typeof startService>[1]): Promise<Service> {
  const service = await startService(database, { worker: false, ...config });
  services.push(service);
  return service;
}

before(async () => {
  database = await createTestDatabase();
});

after(async () => {
  for (const service of services) await service.close();
  await database.drop();
});

describe('A limit of requests a minute', () => {
  test('answers one more with a 429 that says when to come again, except to who watches the service', async () => {
    const service = await serviceWith({ config: { rateLimit: 3 } });
    for (let count = 0; count < 3; count += 1) assert.equal((await service.get('/users')).status, 200);
    const refused = await service.get('/assets');
    expectProblem(refused, 'rate_limited', '/assets');
    const wait = Number(refused.headers['retry-after']);
    assert.ok(wait >= 1 && wait <= 60, `Retry-After: ${wait}`);
    expectProblem(await service.post('/users', { email: 'limited@example.com' }), 'rate_limited', '/users');
    expectProblem(await service.get('/nowhere'), 'rate_limited', '/nowhere');
    for (const path of ['/health', '/ready', '/metrics']) assert.equal((await service.get(path)).status, 200);
  });

  test('is counted for each address, and for a whole network of IPv6', async () => {
    const service = await serviceWith({ config: { rateLimit: 1 } });
    const ask = async (remoteAddress: string) =>
      (await service.http.inject({ url: '/users', remoteAddress })).statusCode;
    assert.equal(await ask('192.0.2.1'), 200);
    assert.equal(await ask('192.0.2.1'), 429);
    assert.equal(await ask('192.0.2.2'), 200);
    assert.equal(await ask('2001:db8:1:2:3:4:5:6'), 200);
    assert.equal(await ask('2001:db8:1:2::7'), 429);
    assert.equal(await ask('2001:db8:1:3::7'), 200);
    assert.equal(networkOf('::1'), '0:0:0:0::/64');
    assert.equal(networkOf('::ffff:192.0.2.1'), '::ffff:192.0.2.1');
    assert.equal(networkOf('2001:0db8::'), '2001:db8:0:0::/64');
  });

  test('is counted for each key, wherever it comes from', async () => {
    const closed = await createTestDatabase();
    const [one, other] = [await issueKey(closed, ['queries:read']), await issueKey(closed, ['queries:read'])];
    const service = await startService(closed, { worker: false, config: { rateLimit: 1 } });
    try {
      const ask = async ({ headers }: IssuedKey, remoteAddress: string) =>
        (await service.http.inject({ url: '/users', headers, remoteAddress })).statusCode;
      assert.equal(await ask(one, '192.0.2.1'), 200);
      assert.equal(await ask(one, '192.0.2.2'), 429);
      assert.equal(await ask(other, '192.0.2.1'), 200);
    } finally {
      await service.close();
      await closed.drop();
    }
  });

  test('is off until it is configured', async () => {
    const service = await serviceWith({});
    const answers = await Promise.all(Array.from({ length: 300 }, () => service.get('/health')));
    assert.ok(answers.every(({ status }) => status === 200));
    assert.equal(service.http.hasDecorator('rateLimit'), false);
  });
});

describe('An event loop that is late', () => {
  test('has requests refused at once, except of who watches the service, and recovers by itself', async () => {
    const service = await serviceWith({ config: { maxLagMs: 50 } });
    let refused = await service.get('/users');
    await until('it is under pressure', async () => {
      const blockedUntil = performance.now() + 300;
      while (performance.now() < blockedUntil);
      refused = await service.get('/users');
      return refused.status !== 200;
    });
    expectProblem(refused, 'overloaded', '/users');
    assert.equal(refused.headers['retry-after'], '1');
    for (const path of ['/health', '/ready', '/metrics']) assert.equal((await service.get(path)).status, 200);
    await until('it has recovered', async () => (await service.get('/users')).status === 200);
  });
});

describe('A body', () => {
  test('that is nested deeper than anything can be is refused, however long it is', async () => {
    const service = await serviceWith({ config: { bodyLimitBytes: 4_000_000 } });
    const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
    for (const depth of [MAX_DEPTH + 1, 1_900_000]) {
      const reply = await service.post('/users', nested(depth));
      expectProblem(reply, 'validation_failed', '/users');
      assert.match(String(reply.body.detail), /nested deeper than 16/);
    }
    const shallow = await service.post('/users', nested(MAX_DEPTH));
    expectProblem(shallow, 'validation_failed', '/users');
    assert.doesNotMatch(String(shallow.body.detail), /nested/);
  });
});

describe('Streams', () => {
  test('are so many at once, and one more is free when one has ended or its client has gone', async () => {
    const service = await serviceWith({ config: { maxStreams: 1 } });
    const accept = { accept: 'application/x-ndjson' };
    for (let count = 0; count < 3; count += 1) {
      assert.equal((await service.get('/events', accept)).status, 200, 'one that was taken whole is over');
      assert.equal((await service.get('/pages/page.css')).status, 200, 'a file is none');
    }

    const app = fastify();
    boundStreams(app, 1);
    installErrorHandling(app);
    app.get('/', () => {
      const endless = new PassThrough();
      endless.write('it begins');
      return endless;
    });
    const url = await app.listen({ port: 0, host: '127.0.0.1' });
    const client = new AbortController();
    const { signal } = client;
    assert.equal((await fetch(url, { signal })).status, 200);
    const refused = await fetch(url, { signal });
    assert.equal(refused.status, 503);
    assert.equal(((await refused.json()) as { code: string }).code, 'overloaded');
    assert.ok(Number(refused.headers.get('retry-after')) >= 1);
    client.abort();
    const next = new AbortController();
    await until('its place is free', async () => (await fetch(url, { signal: next.signal })).status === 200);
    next.abort();
    await app.close();
  });
});

describe('Connections', () => {
  let sockets: Socket[] = [];

  async function open(port: number): Promise<Socket> {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('error', () => undefined);
    sockets.push(socket);
    await once(socket, 'connect');
    return socket;
  }

  after(() => {
    for (const socket of sockets) socket.destroy();
  });

  test('of one address may be a thousand', async () => {
    const service = await serviceWith({});
    const port = await listen(service);
    await Promise.all(Array.from({ length: 1_000 }, () => open(port)));
    const oneMore = await openConnection(port);
    oneMore.send(request('GET', '/health'));
    assert.equal((await oneMore.answer()).status, 200);
    oneMore.abort();
    for (const socket of sockets) socket.destroy();
    sockets = [];
  });

  test('beyond the limit are dropped, and there is room again when others go', async () => {
    const service = await serviceWith({ config: { maxConnections: 2 } });
    const port = await listen(service);
    const [first] = [await open(port), await open(port)];
    const third = await open(port);
    await once(third, 'close');
    first.destroy();
    await until('there is room', async () => {
      const connection = await openConnection(port);
      connection.send(request('GET', '/health'));
      const answered = await connection.answer().then(
        ({ status }) => status === 200,
        () => false,
      );
      connection.abort();
      return answered;
    });
  });

  test('whose client takes nothing of its answer are cut off, and those who read slowly are not', async () => {
    const app = fastify();
    boundConnections(app, { maxConnections: 10, reading: { lookEveryMs: 50, minBytes: 1, patience: 20 } });
    const large = 'x'.repeat(32_000_000);
    app.get('/', () => large);
    await app.listen({ port: 0, host: '127.0.0.1' });
    const { port } = app.server.address() as { port: number };

    const deaf = await open(port);
    deaf.pause().write(request('GET', '/'));
    const slow = await open(port);
    let taken = 0;
    slow.on('data', (chunk: Buffer) => {
      taken += chunk.length;
      slow.pause();
      setImmediate(() => slow.resume());
    });
    slow.write(request('GET', '/'));

    const count = promisify<number>((done) => app.server.getConnections(done));
    await until('both are there', async () => (await count()) === 2);
    await until('the deaf one is gone', async () => (await count()) === 1);
    await until('the slow one has all of it', () => taken > large.length);
    await app.close();
  });
});
