/** API keys: each answer is held to the OpenAPI document. */
import { after, before, test } from 'node:test';
import type { Service } from '../support/service.ts';
import { until } from '../support/until.ts';
import { openContract, type Contract } from './contract.ts';

let contract: Contract;
let service: Service;
let expectContract: Contract['expectContract'];

before(async () => {
  contract = await openContract();
  ({ service, expectContract } = contract);
});

after(() => contract.close());

test('keys answer what the document says', async () => {
  const admin = await service.post('/keys', { name: 'admin', scopes: ['admin'] });
  expectContract('post', '/keys', admin, 201);
  await until('a key is needed', async () => (await service.get('/keys')).status === 401);
  expectContract('get', '/keys', await service.get('/keys'), 401);
  const authorization = `Bearer ${admin.body.secret}`;
  const made = await service.post('/keys', { name: 'one', scopes: ['queries:read'] }, 'k', { authorization });
  expectContract('post', '/keys', made, 201);
  const reader = { authorization: `Bearer ${made.body.secret}` };
  await until('it counts', async () => (await service.get('/users', reader)).status === 200);
  expectContract('get', '/keys', await service.get('/keys', reader), 403);
  expectContract('get', '/keys', await service.get('/keys', { authorization }), 200);
  for (const change of ['rotate', 'revoke']) {
    const reply = await service.post(`/keys/${made.body.id}/${change}`, {}, 'k', { authorization });
    expectContract('post', `/keys/{id}/${change}`, reply, 200);
  }
  const closedKey = await service.post(`/keys/${made.body.id}/rotate`, {}, 'k', { authorization });
  expectContract('post', '/keys/{id}/rotate', closedKey, 409);
  const unknown = await service.post('/keys/none/revoke', {}, 'k', { authorization });
  expectContract('post', '/keys/{id}/revoke', unknown, 404);
  const unfit = await service.post('/keys', { name: '', scopes: [] }, 'k', { authorization });
  expectContract('post', '/keys', unfit, 400);
});

test('the tour has seen every operation of keys', () => {
  contract.expectTourOf((path) => path.startsWith('/keys'));
});
