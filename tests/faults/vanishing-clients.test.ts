/** Clients that hang up in the middle of a request: what they sent whole is done once, what they sent in part is not. */
import assert from 'node:assert/strict';
import { randomInt, randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import { listen, openConnection, request } from '../http/raw-connection.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { assertLedgerIsSound, balanceOf, eventsWithKey } from '../support/ledger-facts.ts';
import { createAsset, registerUser, startService, type Service } from '../support/service.ts';
import { until } from '../support/until.ts';

const CLIENTS = 60;

let database: TestDatabase;
let observer: pg.Client;
let service: Service;
let port: number;
let money: { userId: string; assetSlug: string; amount: string };

before(async () => {
  database = await createTestDatabase();
  observer = await database.connect();
  service = await startService(database, { worker: false });
  port = await listen(service);
  const { id: userId } = await registerUser(service);
  money = { userId, assetSlug: await createAsset(service), amount: '1' };
});

after(async () => {
  await service.close();
  await observer.end();
  await database.drop();
});

function topUp(key: string): string {
  const host = `127.0.0.1:${port}`;
  return request('POST', '/transactions/topup', { host, 'idempotency-key': key }, JSON.stringify(money));
}

test('who hangs up right after sending has a command that is done once, as the retry says', async () => {
  const keys = Array.from({ length: CLIENTS }, () => randomUUID());
  for (const key of keys) {
    const client = await openConnection(port);
    client.send(topUp(key));
    client.abort();
  }
  // Nothing of a request may have arrived when its connection was reset: then the retry is the first.
  await until('the queue is empty', async () =>
    /^coffer_queue_depth 0$/m.test((await service.get('/metrics')).text),
  );
  for (const key of keys) {
    const reply = await service.post('/transactions/topup', money, key);
    assert.equal(reply.status, 201, reply.text);
    assert.equal(await eventsWithKey(observer, key), 1);
  }
  assert.equal(await balanceOf(observer, money.userId, money.assetSlug), CLIENTS.toString());
});

test('who hangs up in the middle of it has sent nothing', async () => {
  const before = await balanceOf(observer, money.userId, money.assetSlug);
  for (let index = 0; index < CLIENTS; index += 1) {
    const whole = topUp(randomUUID());
    const client = await openConnection(port);
    client.send(whole.slice(0, randomInt(1, whole.length - 1)));
    client.abort();
  }
  await until('the connections are gone', async () => {
    const { promise, resolve } = Promise.withResolvers<number>();
    service.http.server.getConnections((_, count) => resolve(count));
    return (await promise) === 0;
  });
  assert.equal(await balanceOf(observer, money.userId, money.assetSlug), before);
});

test('who reads nothing holds up nobody', async () => {
  const slow = await openConnection(port);
  for (let index = 0; index < CLIENTS; index += 1) slow.send(topUp(randomUUID()));
  const reply = await service.post('/transactions/topup', money);
  assert.equal(reply.status, 201);
  slow.abort();
});

test('after all of this the ledger is sound', () => assertLedgerIsSound(observer));
