import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { isLoopback, OpenDoorError, refuseOpenDoor } from '../../src/http/loopback.ts';
import { hostNameOf, isCrossSite, isHostAllowed } from '../../src/http/origins.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startService, unique, type Service } from '../support/service.ts';
import { expectProblem } from './expect-problem.ts';

const ADMIN_KEY = 'k'.repeat(32);

describe('An address', () => {
  const loopback = ['127.0.0.1', '127.9.8.7', 'localhost', 'LOCALHOST', '::1', '[::1]'];
  const others = [
    '0.0.0.0',
    '::',
    '10.0.0.1',
    '127.0.0.1.evil.example',
    '127.evil.example',
    '1270.0.0.1',
    '',
  ];

  test('is of this machine only where no other machine can mean it', () => {
    for (const host of loopback) assert.equal(isLoopback(host), true, host);
    for (const host of others) assert.equal(isLoopback(host), false, host);
  });

  test('of others is not listened on without authentication, and the refusal says what to do', () => {
    for (const host of loopback) refuseOpenDoor(host, false);
    for (const host of others) {
      refuseOpenDoor(host, true);
      assert.throws(
        () => refuseOpenDoor(host, false),
        (error) =>
          error instanceof OpenDoorError && /COFFER_ADMIN_KEY.*HOST to 127\.0\.0\.1/.test(error.message),
      );
    }
  });
});

describe('A Host header', () => {
  test('is read as a name, with or without a port', () => {
    assert.equal(hostNameOf('Localhost:3000'), 'localhost');
    assert.equal(hostNameOf('localhost.:3000'), 'localhost');
    assert.equal(hostNameOf('[::1]:3000'), '[::1]');
    assert.equal(hostNameOf('127.0.0.1'), '127.0.0.1');
    for (const none of [undefined, '', ':3000', 'a b', 'localhost:x', 'a@localhost', 'localhost/', '::1']) {
      assert.equal(hostNameOf(none), null, String(none));
    }
  });

  test('has to name this machine or a name that was allowed, until keys say who asks', () => {
    const open = { allowedHosts: ['wallet.example'], authenticates: () => false };
    for (const host of ['localhost', '127.0.0.1:80', '[::1]:3000', 'WALLET.example:443'])
      assert.equal(isHostAllowed(host, open), true, host);
    for (const host of ['evil.example', 'localhost.evil.example', 'x.wallet.example', undefined])
      assert.equal(isHostAllowed(host, open), false, String(host));
    const keyed = { allowedHosts: [], authenticates: () => true };
    assert.equal(isHostAllowed('evil.example', keyed), true);
    assert.equal(isHostAllowed('evil.example', { ...open, authenticates: () => true }), false);
  });
});

describe('A request that a browser sends', () => {
  const host = 'localhost:3000';

  test('for a page of the service, or for its user, is not cross-site', () => {
    for (const site of ['same-origin', 'none'])
      assert.equal(isCrossSite({ host, 'sec-fetch-site': site, origin: 'null' }, []), false, site);
    assert.equal(isCrossSite({ host, origin: 'http://localhost:3000' }, []), false);
    assert.equal(isCrossSite({ host, origin: 'https://wallet.example' }, ['wallet.example']), false);
    assert.equal(isCrossSite({ host }, []), false, 'what is no browser sends neither header');
  });

  test('for anything else is, another port of this machine included', () => {
    for (const site of ['cross-site', 'same-site', '', 'same-origin, none'])
      assert.equal(isCrossSite({ host, 'sec-fetch-site': site }, []), true, site);
    for (const origin of [
      'null',
      'http://localhost:8080',
      'http://evil.example',
      'file://',
      '',
      'localhost:3000',
    ])
      assert.equal(isCrossSite({ host, origin }, []), true, origin);
  });
});

describe('The service without keys', () => {
  let database: TestDatabase;
  let service: Service;

  before(async () => {
    database = await createTestDatabase();
    service = await startService(database, { worker: false, config: { allowedHosts: ['wallet.example'] } });
  });

  after(async () => {
    await service.close();
    await database.drop();
  });

  test('does not answer under a name that it does not know, whatever the path', async () => {
    for (const path of ['/users', '/health', '/', '/pages/page.css', '/nowhere', '/docs'])
      expectProblem(await service.get(path, { host: 'rebound.example:3000' }), 'host_not_allowed', path);
    for (const host of ['localhost:3000', '127.0.0.1', 'wallet.example'])
      assert.equal((await service.get('/users', { host })).status, 200, host);
  });

  test('refuses a write across sites and does nothing, while reads and clients without such headers pass', async () => {
    const email = `${unique('cross')}@example.com`;
    const across = [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { origin: 'https://evil.example' },
    ];
    for (const headers of across) {
      expectProblem(
        await service.post('/users', { email }, undefined, headers),
        'cross_site_write',
        '/users',
      );
      assert.equal((await service.get('/users', headers)).status, 200);
    }
    assert.deepEqual((await service.get(`/users?email=${email}`)).body.data, []);
    const own = { 'sec-fetch-site': 'same-origin', origin: 'http://localhost' };
    assert.equal((await service.post('/users', { email }, undefined, own)).status, 201);
  });
});

describe('The service with a key', () => {
  test('answers under any name, and still refuses writes across sites', async () => {
    const database = await createTestDatabase();
    const service = await startService(database, { worker: false, config: { adminKey: ADMIN_KEY } });
    try {
      assert.equal((await service.get('/health', { host: 'wallet.example' })).status, 200);
      const across = { 'sec-fetch-site': 'cross-site' };
      expectProblem(await service.post('/users', {}, undefined, across), 'cross_site_write', '/users');
    } finally {
      await service.close();
      await database.drop();
    }
  });
});
