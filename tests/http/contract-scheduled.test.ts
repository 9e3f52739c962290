/** What is asked for later: each answer is held to the OpenAPI document. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Service } from '../support/service.ts';
import { until } from '../support/until.ts';
import { openContract, type Contract } from './contract.ts';
import { newHolder, topUp } from './payments.ts';

const NOBODY = '01998a6e-7c00-7000-8000-00000000dead';

let contract: Contract;
let service: Service;
let expectContract: Contract['expectContract'];

before(async () => {
  contract = await openContract();
  ({ service, expectContract } = contract);
});

after(() => contract.close());

test('every command that moves money answers what the document says when it is asked for later', async () => {
  const holder = await newHolder(service);
  const other = await newHolder(service, holder.assetSlug);
  const { body: posted } = await topUp(service, holder, '100');
  const { body: held } = await service.post('/holds', { ...holder, amount: '1' });
  const executeAt = new Date(Date.now() + 3_600_000).toISOString();
  const money = { ...holder, amount: '1', executeAt };
  const { userId, assetSlug } = holder;
  const toAsset = (await newHolder(service)).assetSlug;
  const parties = { from: { userId }, to: { system: 'revenue' } };
  const writes: [string, string, object][] = [
    ['/transactions/topup', '', { ...money, metadata: { a: 'b' }, personalMetadata: ['a'] }],
    ['/transactions/bonus', '', money],
    [
      '/transactions/exchange',
      '',
      { userId, fromAsset: assetSlug, toAsset, amount: '1', rate: '2', executeAt },
    ],
    ['/transactions/spend', '', money],
    [
      '/transactions/transfer',
      '',
      { fromUserId: userId, toUserId: other.userId, assetSlug, amount: '1', executeAt },
    ],
    ['/transactions', '', { postings: [{ ...parties, assetSlug, amount: '1' }], executeAt }],
    ['/transactions/{id}/reverse', posted.transactionId, { executeAt }],
    ['/holds', '', { ...money, expiresInSeconds: 60 }],
    ['/holds/{id}/capture', held.holdId, { executeAt }],
    ['/holds/{id}/release', held.holdId, { executeAt }],
  ];
  const ids: string[] = [];
  for (const [template, id, body] of writes) {
    const path = template.replace('{id}', id);
    const reply = await service.post(path, body);
    expectContract('post', template, reply, 202);
    expectContract('post', template, await service.post(`${path}?dryRun=true`, body), 200);
    ids.push(reply.body.scheduleId);
  }
  const cancel = '/scheduled/{id}/cancel';
  const path = `/scheduled/${ids[0]}/cancel`;
  const { headers } = await service.post(path, { reason: 'contract' }, 'contract/cancel');
  expectContract('post', cancel, await service.post(path, { reason: 'contract' }, 'contract/cancel'), 201);
  expectContract('post', cancel, await service.post(path, {}), 422);
  expectContract('post', cancel, await service.post(`/scheduled/${NOBODY}/cancel`, {}), 404);
  const at = String(headers['coffer-position']);
  for (const query of ['', '&status=cancelled', '&limit=1'])
    expectContract('get', '/scheduled', await service.get(`/scheduled?atLeast=${at}${query}`), 200);
  for (const id of ids) expectContract('get', '/scheduled/{id}', await service.get(`/scheduled/${id}`), 200);
  expectContract('get', '/scheduled/{id}', await service.get(`/scheduled/${NOBODY}`), 404);
  // What came of one, and one that was looked up as what came of it.
  const soon = new Date(Date.now() + 1_500).toISOString();
  const { body: near } = await service.post('/transactions/spend', { ...money, executeAt: soon });
  const done = await until('it is executed', async () => {
    const reply = await service.get(`/scheduled/${near.scheduleId}`);
    return reply.body.status === 'executed' && reply;
  });
  expectContract('get', '/scheduled/{id}', done, 200);
  const transaction = await service.get(`/transactions/${done.body.result.transactionId}`);
  assert.equal(transaction.body.scheduleId, near.scheduleId);
  expectContract('get', '/transactions/{id}', transaction, 200);
});

test('the tour has seen every operation of schedules', () => {
  contract.expectTourOf((path) => path.startsWith('/scheduled'));
});
