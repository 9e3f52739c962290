/** ?dryRun=true: what would be, and nothing done. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { headPosition } from '../support/ledger-facts.ts';
import { createAsset, startService, unique, type Service } from '../support/service.ts';
import { expectProblem } from './expect-problem.ts';
import { newHolder, topUp, type Holder } from './payments.ts';

let database: TestDatabase;
let service: Service;
let owner: pg.Client;
let holder: Holder;
let other: Holder;
let original: string;
let diamonds: string;
let holdId: string;

before(async () => {
  database = await createTestDatabase();
  service = await startService(database);
  owner = await database.connect();
  holder = await newHolder(service);
  other = await newHolder(service, holder.assetSlug);
  original = (await topUp(service, holder, '100')).body.transactionId;
  diamonds = await createAsset(service);
  holdId = (await service.post('/holds', { ...holder, amount: '10' })).body.holdId;
});

after(async () => {
  await owner.end();
  await service.close();
  await database.drop();
});

/** All rows of the ledger's tables. */
async function everything(): Promise<unknown[]> {
  const contents = [];
  for (const table of [
    'ledgers',
    'wallets',
    'events',
    'ledger_entries',
    'idempotency_keys',
    'holds',
    'schedules',
    'personal',
  ])
    contents.push((await owner.query(`select * from ${table} t order by t::text`)).rows);
  return contents;
}

function commands(): [string, object][] {
  const money = { ...holder, amount: '5' };
  const { assetSlug } = holder;
  const posting = { from: { userId: holder.userId }, to: { system: unique('new') }, assetSlug, amount: '5' };
  return [
    ['/transactions/topup', { ...money, metadata: { name: 'Alice' }, personalMetadata: ['name'] }],
    ['/transactions/bonus', { ...money, userId: other.userId }],
    ['/transactions/spend', money],
    ['/transactions/transfer', { fromUserId: holder.userId, toUserId: other.userId, assetSlug, amount: '5' }],
    [
      '/transactions/exchange',
      { userId: holder.userId, fromAsset: assetSlug, toAsset: diamonds, amount: '5', rate: '0.5' },
    ],
    ['/transactions', { postings: [posting, { ...posting, to: { userId: other.userId } }] }],
    [`/transactions/${original}/reverse`, { amount: '1' }],
    ['/holds', money],
    [`/holds/${holdId}/capture`, { amount: '1', final: false }],
    [`/holds/${holdId}/release`, {}],
  ];
}

/** What a real answer has and a dry one cannot have, and ids that are drawn anew each time. */
// oxlint-disable-next-line typescript/no-explicit-any -- answers of all shapes
function comparable(body: Record<string, any>): unknown {
  const {
    transactionId: _t,
    position: _p,
    recordedAt: _r,
    dryRun: _d,
    expiresAt: _e,
    holdId: _h,
    ...rest
  } = body;
  return {
    ...rest,
    entries: rest['entries']?.map(({ walletId: _w, ...entry }: Record<string, unknown>) => entry),
  };
}

test('answers what the command then does, without a key, and writes nothing', async () => {
  for (const [path, body] of commands()) {
    const before = await everything();
    const dry = await service.post(`${path}?dryRun=true`, body, '');
    assert.equal(dry.status, 200, `${path} ${dry.text}`);
    assert.deepEqual([dry.body.dryRun, dry.body.position, dry.body.recordedAt], [true, null, null]);
    assert.equal(dry.headers['coffer-position'], String(await headPosition(owner)));
    assert.deepEqual(await everything(), before, path);
    const real = await service.post(path, body);
    assert.equal(real.status, 201, real.text);
    assert.deepEqual(comparable(dry.body), comparable(real.body), path);
  }
});

test('a refusal is the usual one, and is not remembered', async () => {
  const body = { ...holder, amount: '5000' };
  const head = await headPosition(owner);
  const dry = await service.post('/transactions/spend?dryRun=true', body, 'dry-key');
  expectProblem(dry, 'insufficient_funds', '/transactions/spend');
  assert.equal(dry.body.transactionId, undefined);
  assert.equal(dry.body.required, '5000');
  assert.equal(await headPosition(owner), head);
  assert.equal((await service.get('/idempotency-keys/dry-key')).status, 404);
  const nobody = { ...body, userId: '01998a6e-7c00-7abc-8000-00000000dead' };
  const path = '/transactions/spend';
  expectProblem(await service.post(`${path}?dryRun=true`, nobody, ''), 'user_not_found', path);
  expectProblem(
    await service.post(`${path}?dryRun=true`, { ...body, amount: 5 }, ''),
    'validation_failed',
    path,
  );
});

test('a key that is known already does not matter', async () => {
  const body = { ...holder, amount: '1' };
  await service.post('/transactions/topup', body, 'used-key');
  const dry = await service.post('/transactions/topup?dryRun=true', { ...body, amount: '2' }, 'used-key');
  assert.deepEqual([dry.status, dry.body.amount], [200, '2']);
});

test('a batch says what each of its commands would do after those before it', async () => {
  const fresh = await newHolder(service, holder.assetSlug);
  const batch = [
    { type: 'topup', ...fresh, amount: '10' },
    { type: 'spend', ...fresh, amount: '4' },
    { type: 'spend', ...fresh, amount: '7' },
  ];
  const head = await headPosition(owner);
  const path = '/transactions/batch?dryRun=true';
  const each = await service.post(path, { commands: batch }, '');
  assert.equal(each.status, 200, each.text);
  const results = each.body.results as { status: number; body: Record<string, unknown> }[];
  assert.deepEqual(
    results.map(({ status }) => status),
    [200, 200, 422],
  );
  assert.deepEqual(
    results.map(({ body }) => body['balanceAfter'] ?? body['available']),
    ['10', '6', '6'],
  );
  const atomic = await service.post(path, { commands: batch, atomic: true }, '');
  assert.deepEqual([atomic.status, atomic.body.code, atomic.body.index], [422, 'batch_refused', 2]);
  assert.equal(await headPosition(owner), head);
});

test('a wallet is explained: what came, what went, what is held, now and then', async () => {
  const fresh = await newHolder(service);
  const { body: topped } = await topUp(service, fresh, '100');
  const walletId = topped.entries[1].walletId as string;
  await service.post('/transactions/spend', { ...fresh, amount: '30' });
  const { body: spent } = await service.post('/transactions/spend', { ...fresh, amount: '5' });
  const { body: held } = await service.post('/holds', { ...fresh, amount: '20', reference: 'r' });
  const { body: captured } = await service.post(`/holds/${held.holdId}/capture`, {
    amount: '8',
    final: false,
  });
  const path = `/wallets/${walletId}/explain`;
  const { body: now } = await service.get(path);
  const { holds, ...figures } = now;
  assert.deepEqual(figures, {
    walletId,
    position: captured.position,
    opening: '0',
    movements: [
      { type: 'capture', count: '1', credits: '0', debits: '8' },
      { type: 'spend', count: '2', credits: '0', debits: '35' },
      { type: 'topup', count: '1', credits: '100', debits: '0' },
    ],
    balance: '57',
    holdCount: '1',
    held: '12',
    lots: [],
    available: '45',
  });
  assert.deepEqual(
    holds.map((hold: Record<string, string>) => [hold['holdId'], hold['remaining']]),
    [[held.holdId, '12']],
  );
  const { body: then } = await service.get(`${path}?asOf=${held.position}`);
  assert.deepEqual([then.balance, then.held, then.holds[0].remaining], ['65', '20', '20']);
  const { body: earlier } = await service.get(`${path}?asOf=${spent.position}`);
  assert.deepEqual([earlier.balance, earlier.held, earlier.holds], ['65', '0', []]);
  const { body: never } = await service.get(`${path}?asOf=0`);
  assert.deepEqual([never.balance, never.movements, never.holds], ['0', [], []]);
  const beyond = await service.get(`${path}?asOf=${BigInt(captured.position) + 1n}`);
  expectProblem(beyond, 'validation_failed', path);
});
