/** What streams cost: of memory, of the database, and of those who do not read. */
import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { fastify, type FastifyInstance } from 'fastify';
import { validatorCompiler } from 'fastify-type-provider-zod';
import type pg from 'pg';
import { pino } from 'pino';
import { fillLedger } from '../../bench/fill/fill-ledger.ts';
import { createKeyRing, type KeyRing } from '../../src/access/key-ring.ts';
import { createTail, type Tail } from '../../src/events/tail.ts';
import { identifyCallers } from '../../src/http/callers.ts';
import type { LedgerServices } from '../../src/http/deps.ts';
import { installErrorHandling } from '../../src/http/error-handler.ts';
import { STREAM_BOUNDS, streamRoute } from '../../src/http/routes/stream.ts';
import { boundConnections } from '../../src/http/slow-clients.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startService, registerUser, type Service } from '../support/service.ts';
import { until } from '../support/until.ts';
import { LEDGER_ID, openWritePool } from '../support/write-side.ts';
import { openStream } from './event-stream.ts';

/** More than sockets hold between the service and a client that does not read. */
const EVENTS = 60_000;

let database: TestDatabase;
let pool: pg.Pool;
let tail: Tail;
let keyPool: pg.Pool;
let keys: KeyRing;
let app: FastifyInstance;
let writer: Service;
let port: number;
let statements: string[] = [];

before(async () => {
  database = await createTestDatabase();
  await fillLedger({ url: database.url, events: EVENTS, fillOnly: true, log: () => undefined });
  writer = await startService(database, { worker: false });
  pool = openWritePool(database.url);
  const query = pool.query.bind(pool) as (statement: { name?: string }) => unknown;
  Object.assign(pool, {
    query(statement: { name?: string }) {
      statements.push(statement.name ?? '');
      return query(statement);
    },
  });
  tail = createTail(pool, LEDGER_ID, pino({ level: 'silent' }));
  app = fastify();
  app.setValidatorCompiler((route) =>
    route.httpPart === 'headers' ? () => true : (validatorCompiler as (of: unknown) => never)(route),
  );
  app.setSerializerCompiler(() => JSON.stringify);
  installErrorHandling(app);
  boundConnections(app, { maxConnections: 100, reading: { lookEveryMs: 100, minBytes: 1_000, patience: 5 } });
  const ledger = { ledgerId: LEDGER_ID, readPool: pool, tail } as LedgerServices;
  keyPool = openWritePool(database.url);
  keys = await createKeyRing({ pool: keyPool, environmentKey: null, log: pino({ level: 'silent' }) });
  identifyCallers(app, { mainLedgerId: LEDGER_ID, servicesOf: () => ledger, keys });
  streamRoute(app, { ...STREAM_BOUNDS, keepAliveMs: 50 });
  await app.listen({ port: 0, host: '127.0.0.1' });
  port = (app.server.address() as AddressInfo).port;
});

after(async () => {
  await app.close();
  await tail.close();
  await keys.close();
  await keyPool.end();
  await writer.close();
  await pool.end();
  await database.drop();
});

test('a comment comes where nothing else does', async () => {
  const stream = await openStream(port, '/events/stream');
  await until(
    'three comments',
    () => stream.blocks.filter(({ comment }) => comment === 'keep-alive').length > 2,
  );
  assert.equal(stream.events().length, 0);
  stream.hangUp();
});

test('one look finds what is new for all, and reads it once', async () => {
  const streams = await Promise.all(Array.from({ length: 50 }, () => openStream(port, '/events/stream')));
  await until('all listen', () => streams.every(({ blocks }) => blocks.length > 1));
  statements = [];
  await until('five looks', () => statements.length >= 5);
  assert.ok(
    streams.every(({ blocks }) => blocks.length > 5),
    'meanwhile each was kept alive',
  );
  assert.deepEqual([...new Set(statements)], ['head-position']);
  statements = [];
  await registerUser(writer);
  await Promise.all(streams.map((stream) => stream.untilEvents(1)));
  assert.equal(statements.filter((name) => name.startsWith('feed')).length, 1);
  for (const stream of streams) stream.hangUp();
  await until('nobody looks any more', async () => {
    const before = statements.length;
    await pool.query({ name: 'waited', text: 'select pg_sleep(0.5)' });
    return statements.length === before + 1;
  });
});

test('a client that reads nothing is cut off, while one that reads slowly gets all there is', async () => {
  const whole = Number((await writer.get('/events')).headers['coffer-position']);
  const stalled = await openStream(port, '/events/stream?after=0');
  stalled.response.socket.on('error', () => undefined);
  stalled.response.pause();
  const slow = await openStream(port, '/events/stream?after=0');
  const reading = setInterval(() => {
    if (slow.response.isPaused()) slow.response.resume();
    else slow.response.pause();
  }, 5);
  await slow.untilEvents(whole);
  clearInterval(reading);
  assert.deepEqual(
    slow.events().map(({ id }) => id),
    Array.from({ length: whole }, (_, index) => (index + 1).toString()),
  );
  stalled.response.resume();
  await until('it is cut off', () => stalled.isOver());
  assert.ok(stalled.events().length < whole, 'it was cut off before the end');
  assert.ok(!stalled.response.complete);
  slow.hangUp();
});
