/** The feed of a log far longer than a page: what a request costs is bounded, whatever it looks for and whoever asks. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import { fillLedger } from '../../bench/fill/fill-ledger.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { openDatabaseProxy, type DatabaseProxy } from '../support/database-proxy.ts';
import { startService, type Service } from '../support/service.ts';
import { until } from '../support/until.ts';

const NDJSON = 'application/x-ndjson';
/** More than a read by type looks at. */
const EVENTS = 60_000;
/** What sockets and streams hold between the service and a client that does not read. */
const IN_FLIGHT_BYTES = 16_000_000;

let database: TestDatabase;
let owner: pg.Client;
let proxy: DatabaseProxy;
let service: Service;
let port: number;
let treasury: string;

before(async () => {
  database = await createTestDatabase();
  await fillLedger({ url: database.url, events: EVENTS, fillOnly: true, log: () => undefined });
  owner = await database.connect();
  proxy = await openDatabaseProxy(database.url);
  service = await startService({ ...database, url: proxy.url }, { worker: false });
  await service.http.listen({ port: 0, host: '127.0.0.1' });
  port = (service.http.server.address() as AddressInfo).port;
  const { rows } = await owner.query<{ id: string }>(
    "select id from wallets where owner = 'treasury' order by seq desc",
  );
  treasury = rows[0]!.id;
});

after(async () => {
  await service.close();
  await proxy.close();
  await owner.end();
  await database.drop();
});

/** Counts how often a statement of this name runs from now on. */
function counted(name: string): { count: () => number } {
  let count = 0;
  proxy.onStatement((statement) => {
    if (statement === name) count += 1;
    return 'forward';
  });
  return { count: () => count };
}

async function open(path: string): Promise<IncomingMessage> {
  const request = get({ port, path, headers: { accept: NDJSON }, agent: false });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  assert.equal(response.statusCode, 200);
  return response;
}

/** Rows that indexes have handed out, as far as sessions have told. */
async function handedOut(...indexes: string[]): Promise<number> {
  const { rows } = await owner.query<{ rows: number }>(
    'select sum(pg_stat_get_tuples_returned(name::regclass))::integer as rows from unnest($1::text[]) as name',
    [indexes],
  );
  return rows[0]!.rows;
}

// The first test: what others have read would be told of later.
test('a wallet is read through its own entries, not along those of all others', async () => {
  const { rows } = await owner.query<{ id: string; entries: number }>(`
select id, seq::integer as entries
  from wallets
 where seq between 10 and 20
 order by id
 limit 1`);
  const { id, entries } = rows[0]!;
  const before = await handedOut('ledger_entries_pkey', 'events_pkey');
  const { body } = await service.get(`/events?walletId=${id}`);
  assert.ok(body.data.length > 3 && body.data.length < 100);
  assert.equal(body.nextAfter, EVENTS.toString());
  await until('the session has told what it read', async () => {
    // Left alone it would say so after 10 s.
    await service.get('/users?limit=1');
    return (await handedOut('ledger_entries_wallet')) >= entries;
  });
  assert.ok((await handedOut('ledger_entries_pkey', 'events_pkey')) - before < 100);
});

test('a type that is rare is found by an index, however long the log, and one read reaches the end', async () => {
  await owner.query('analyze events');
  for (const type of ['asset.created', 'wallet.status_changed']) {
    const { rows } = await owner.query<{ position: string }>(
      'select position from events where type = $1 order by position',
      [type],
    );
    assert.ok(rows.length > 0 && rows.length < 500, `${rows.length} ${type}`);
    const before = await handedOut('events_pkey');
    const found = await handedOut('events_type');
    const { body } = await service.get(`/events?type=${type}&limit=500`);
    assert.equal(body.nextAfter, EVENTS.toString());
    assert.deepEqual(
      body.data.map(({ position }: { position: string }) => position),
      rows.map(({ position }) => position),
    );
    await until('the session has told what it read', async () => {
      await service.get('/users?limit=1');
      return (await handedOut('events_type')) >= found + rows.length;
    });
    assert.ok((await handedOut('events_pkey')) - before < 100);
  }
});

test('a filter that matches little answers after a bounded look, and pages go on from there to the end', async () => {
  for (const query of [`type=hold.expired&walletId=${treasury}`, 'type=unheard.of']) {
    let from = 0n;
    const seen: string[] = [];
    for (let empty = 0; from < BigInt(EVENTS);) {
      const { body } = await service.get(`/events?${query}&after=${from}&limit=500`);
      const next = BigInt(body.nextAfter);
      assert.ok(next > from && next - from <= 50_000n, `${query}: from ${from} to ${next}`);
      empty += body.data.length === 0 ? 1 : 0;
      assert.ok(empty < 40);
      for (const { position } of body.data) seen.push(position);
      from = next;
    }
    const { rows } = await owner.query<{ position: string }>(
      'select position from events where type = $1 and $2 order by position',
      [query.split(/[=&]/)[1], !query.includes('walletId')],
    );
    assert.deepEqual(
      seen,
      rows.map(({ position }) => position),
    );
  }
});

test('a slow reader of the whole stream gets all of it, and the service reads no further ahead than buffers reach', async () => {
  const pages = counted('feed');
  const response = await open('/events');
  let bytes = 0;
  let lines = 0;
  let ahead = 0;
  const sizes = await owner.query<{ size: number }>(
    'select (avg(length(data::text)))::float8 as size from events',
  );
  const pageBytes = 500 * sizes.rows[0]!.size;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    for (const byte of chunk) if (byte === 10) lines += 1;
    ahead = Math.max(ahead, pages.count() * pageBytes - bytes);
    // As long as it takes to ask something of the database: time enough to read a page ahead.
    await owner.query('select 1');
  }
  assert.equal(lines, EVENTS);
  assert.ok(bytes > 2 * IN_FLIGHT_BYTES, `a stream of ${bytes} bytes shows nothing`);
  assert.ok(ahead < IN_FLIGHT_BYTES, `${ahead} bytes ahead`);
});

test('for a client that has gone nothing is read any more, though there was nothing to send it yet', async () => {
  const path = `/events?type=user.registered&walletId=${treasury}`;
  const readWhole = async () => {
    const pages = counted('feed-wallet-positions');
    for await (const chunk of await open(path))
      assert.fail(`a user was registered by a wallet: ${String(chunk)}`);
    return pages.count();
  };
  const whole = await readWhole();
  assert.ok(whole > 4);

  let read = 0;
  const request = get({ port, path, agent: false, headers: { accept: NDJSON } });
  // That it is hung up on its own request.
  request.on('error', () => undefined);
  proxy.onStatement((statement) => {
    if (statement === 'feed-wallet-positions') {
      read += 1;
      request.destroy();
    }
    return 'forward';
  });
  await until('the connection is closed', async () => {
    const connections = await new Promise<number>((resolve) => {
      service.http.server.getConnections((_error, count) => resolve(count));
    });
    return read > 0 && connections === 0;
  });
  // Had the service gone on, it would do so beside another reader.
  assert.ok(read < whole, `${read} of ${whole} pages`);
  assert.equal(await readWhole(), whole);
});
