/** The event feed as it grows, on real sockets. */
import assert from 'node:assert/strict';
import { get } from 'node:http';
import { after, before, test } from 'node:test';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { registerUser, startService, type Service } from '../support/service.ts';
import { until } from '../support/until.ts';
import { openStream, type Block } from './event-stream.ts';
import { newHolder, topUp } from './payments.ts';
import { listen } from './raw-connection.ts';
import { severable, type SeverableDatabase } from '../faults/severable-database.ts';

let database: TestDatabase;
let way: SeverableDatabase;
let service: Service;
/** Writes what the service only hears of from the database. */
let other: Service;
let port: number;

before(async () => {
  database = await createTestDatabase();
  way = await severable(database);
  service = await startService(way, { worker: false });
  other = await startService(database, { worker: false });
  port = await listen(service);
});

after(async () => {
  await service.close();
  await other.close();
  await way.close();
  await database.drop();
});

async function head(): Promise<bigint> {
  return BigInt(String((await other.get('/events')).headers['coffer-position']));
}

async function feedAfter(position: bigint): Promise<{ position: string; type: string }[]> {
  return (await other.get(`/events?after=${position}&limit=500`)).body.data;
}

function positionsOf(blocks: readonly Block[]): string[] {
  return blocks.map(({ id }) => id ?? '');
}

async function statusOf(path: string, headers: Record<string, string> = {}): Promise<number> {
  return (await service.get(path, headers)).status;
}

test('what was written and what is written then comes in order, each as the feed shows it', async () => {
  const start = await head();
  await registerUser(service);
  const stream = await openStream(port, `/events/stream?after=${start}`);
  assert.match(String(stream.response.headers['content-type']), /^text\/event-stream/);
  assert.equal(stream.response.headers['coffer-position'], (start + 1n).toString());
  await stream.untilEvents(1);
  await topUp(service, await newHolder(service), '10');
  await registerUser(other);
  const feed = await feedAfter(start);
  const events = await stream.untilEvents(feed.length);
  assert.ok(feed.length >= 6);
  assert.deepEqual(
    events.map(({ data }) => JSON.parse(data ?? '')),
    feed,
  );
  assert.deepEqual(
    events.map(({ id, event }) => ({ position: id, type: event })),
    feed.map(({ position, type }) => ({ position, type })),
  );
  stream.hangUp();
});

test('without a position it begins with what comes next, and says where that is', async () => {
  const start = await head();
  const stream = await openStream(port, '/events/stream');
  await until('the first block', () => stream.blocks.length > 0);
  assert.equal(stream.blocks[0]?.id, start.toString());
  assert.equal(stream.blocks[0]?.data, null);
  await registerUser(other);
  const [first] = await stream.untilEvents(1);
  assert.equal(first?.id, (start + 1n).toString());
  stream.hangUp();
});

test('Last-Event-ID counts for more than after', async () => {
  await registerUser(service);
  const last = await head();
  const headers = { 'last-event-id': (last - 1n).toString() };
  const stream = await openStream(port, '/events/stream?after=0', headers);
  assert.deepEqual(positionsOf(await stream.untilEvents(1)), [last.toString()]);
  stream.hangUp();
});

test('a type leaves the others out, and counts them as seen', async () => {
  const start = await head();
  const stream = await openStream(port, `/events/stream?after=${start}&type=asset.created`);
  await newHolder(other);
  await newHolder(service);
  const events = await stream.untilEvents(2);
  const feed = (await feedAfter(start)).filter(({ type }) => type === 'asset.created');
  assert.deepEqual(
    positionsOf(events),
    feed.map(({ position }) => position),
  );
  stream.hangUp();
});

test('a position that is none or beyond the head is refused', async () => {
  assert.equal(await statusOf('/events/stream?after=x'), 400);
  assert.equal(await statusOf('/events/stream?after=0&limit=1'), 400);
  const beyond = ((await head()) + 1n).toString();
  for (const id of ['x', '-1', '1e3', beyond]) {
    const reply = await service.get('/events/stream', { 'last-event-id': id });
    assert.equal(reply.status, 400, id);
    assert.equal(reply.body.errors[0].path, 'Last-Event-ID');
  }
  assert.equal((await service.get(`/events/stream?after=${beyond}`)).body.errors[0].path, 'after');
  const answer = await service.http.inject({ method: 'HEAD', url: '/events/stream' });
  assert.equal(answer.statusCode, 200);
});

test('a client that loses its stream again and again misses nothing and gets nothing twice', async () => {
  const start = await head();
  let writing = true;
  const writers = [service, other].map(async (side) => {
    for (let count = 0; count < 60; count += 1) await registerUser(side);
  });
  const written = Promise.all(writers).then(() => {
    writing = false;
  });
  const seen: string[] = [];
  let last = start.toString();
  let losses = 0;
  while (writing || BigInt(last) < (await head())) {
    const stream = await openStream(port, '/events/stream', { 'last-event-id': last });
    await stream.untilEvents(1);
    stream.hangUp();
    const got = positionsOf(stream.events());
    seen.push(...got);
    last = got.at(-1) ?? last;
    losses += 1;
  }
  await written;
  assert.ok(losses > 3, `${losses} streams`);
  assert.deepEqual(
    seen,
    (await feedAfter(start)).map(({ position }) => position),
  );
  assert.equal(seen.length, 120);
});

test('streams outlive a database that is away, and then show what was written meanwhile', async () => {
  const start = await head();
  const stream = await openStream(port, '/events/stream');
  const behind = await openStream(port, '/events/stream?after=0');
  await behind.untilEvents(Number(start));
  way.sever();
  await until('the service sees it', async () => (await service.get('/ready')).status === 503);
  for (let count = 0; count < 5; count += 1) await registerUser(other);
  assert.equal(await statusOf('/events/stream'), 503);
  assert.equal(stream.events().length, 0);
  way.mend();
  const events = await stream.untilEvents(5);
  assert.deepEqual(
    positionsOf(events),
    (await feedAfter(start)).map(({ position }) => position),
  );
  await behind.untilEvents(Number(start) + 5);
  assert.equal(new Set(positionsOf(behind.events())).size, behind.events().length);
  for (const each of [stream, behind]) each.hangUp();
});

test('at most 100 at a time; one that ends makes room for the next', async () => {
  const streams = await Promise.all(Array.from({ length: 100 }, () => openStream(port, '/events/stream')));
  const refused = await service.get('/events/stream');
  assert.equal(refused.status, 503);
  assert.equal(refused.body.code, 'overloaded');
  assert.ok(refused.headers['retry-after']);
  streams[0]!.hangUp();
  await until('there is room', async () => {
    const answer = await new Promise<number | undefined>((resolve) => {
      const request = get({ port, host: '127.0.0.1', path: '/events/stream', agent: false }, (response) => {
        resolve(response.statusCode);
        request.destroy();
      });
      request.on('error', () => undefined);
    });
    return answer === 200;
  });
  await registerUser(service);
  await Promise.all(streams.slice(1).map((stream) => stream.untilEvents(1)));
  for (const stream of streams) stream.hangUp();
});

test('a stop ends them at once', async () => {
  const stopping = await startService(database, { worker: false });
  const stream = await openStream(await listen(stopping), '/events/stream');
  const started = performance.now();
  const closed = stopping.close();
  await until('the stream ends', () => stream.isOver());
  assert.ok(performance.now() - started < 2_000);
  assert.ok(stream.response.complete, 'it ended as a stream ends');
  await closed;
  assert.ok(performance.now() - started < 4_000);
});
