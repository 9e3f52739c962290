import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createAsset, startService, unique, type Service } from '../support/service.ts';
import { expectInvalid, expectProblem } from './expect-problem.ts';
import { giveBonus, newHolder, spend, topUp } from './payments.ts';

let database: TestDatabase;
let service: Service;

before(async () => {
  database = await createTestDatabase();
  service = await startService(database);
});

after(async () => {
  await service.close();
  await database.drop();
});

test('a created asset has its defaults and is listed', async () => {
  const slug = unique('plain');
  const written = await service.post('/assets', { slug });
  assert.equal(written.status, 201);
  const { position, recordedAt, ...asset } = written.body;
  assert.ok(recordedAt);
  assert.deepEqual(asset, { id: asset.id, slug, name: slug, scale: 0, status: 'ACTIVE', supplyCap: null });
  const { data } = (await service.get(`/assets?atLeast=${position}&limit=500`)).body;
  assert.deepEqual(
    data.find(({ id }: { id: string }) => id === asset.id),
    asset,
  );
});

test('an asset keeps the name, scale and cap it was given', async () => {
  const fields = { slug: unique('named'), name: 'Gold & "Silver"', scale: 18, supplyCap: '9'.repeat(38) };
  const { body } = await service.post('/assets', fields);
  const { slug, name, scale, supplyCap } = body;
  assert.deepEqual({ slug, name, scale, supplyCap }, fields);
});

test('a slug is taken once', async () => {
  const slug = await createAsset(service);
  expectProblem(await service.post('/assets', { slug }), 'slug_taken', '/assets');
});

test('slug, scale and cap have rules', async () => {
  for (const slug of ['', 'Gold', '_x', 'a b', 'a/b', 'ü', 'x'.repeat(201), 7, null]) {
    expectInvalid(await service.post('/assets', { slug }), '/assets', ['slug']);
  }
  for (const scale of [-1, 19, 1.5, '2', null]) {
    expectInvalid(await service.post('/assets', { slug: 'ok', scale }), '/assets', ['scale']);
  }
  for (const supplyCap of [5, '-1', '1.5', '01', '9'.repeat(39), '']) {
    expectInvalid(await service.post('/assets', { slug: 'ok', supplyCap }), '/assets', ['supplyCap']);
  }
});

test('an asset is frozen and thawed', async () => {
  const slug = await createAsset(service);
  for (const status of ['FROZEN', 'ACTIVE'] as const) {
    const written = await service.post(`/assets/${slug}/status`, { status });
    assert.equal(written.status, 201);
    assert.equal(written.body.status, status);
    const { data } = (await service.get(`/assets?atLeast=${written.body.position}&limit=500`)).body;
    assert.equal(data.find((asset: { slug: string }) => asset.slug === slug).status, status);
  }
  const path = `/assets/${slug}/status`;
  expectInvalid(await service.post(path, { status: 'BANNED' }), path, ['status']);
});

test('a supply cap bounds what is in circulation, not what ever was', async () => {
  const holder = await newHolder(service, await createAsset(service, { supplyCap: '100' }));
  assert.equal((await topUp(service, holder, '60')).status, 201);
  assert.equal((await giveBonus(service, holder, '40')).status, 201);
  const refused = await topUp(service, holder, '1');
  expectProblem(refused, 'supply_cap_exceeded', '/transactions/topup');
  assert.equal(refused.body.supplyCap, '100');
  assert.equal(refused.body.circulation, '100');
  assert.equal((await spend(service, holder, '30')).status, 201);
  assert.equal((await topUp(service, holder, '30')).body.balanceAfter, '100');
});

test('of an asset with a cap of 0 nothing is ever given out', async () => {
  const holder = await newHolder(service, await createAsset(service, { supplyCap: '0' }));
  expectProblem(await topUp(service, holder, '1'), 'supply_cap_exceeded', '/transactions/topup');
});

test('activity counts and sums by type, declined attempts too', async () => {
  const holder = await newHolder(service);
  const slug = holder.assetSlug;
  await topUp(service, holder, '10');
  await topUp(service, holder, '5');
  await spend(service, holder, '3');
  const last = await spend(service, holder, '99');
  const at = last.headers['coffer-position'];
  for (const bucket of ['hour', 'day']) {
    const { data } = (await service.get(`/assets/${slug}/activity?bucket=${bucket}&atLeast=${String(at)}`))
      .body;
    const totals = new Map<string, [bigint, bigint, bigint]>();
    for (const { type, posted, volume, rejected } of data) {
      const [a, b, c] = totals.get(type) ?? [0n, 0n, 0n];
      totals.set(type, [a + BigInt(posted), b + BigInt(volume), c + BigInt(rejected)]);
    }
    assert.deepEqual(Object.fromEntries(totals), { topup: [2n, 15n, 0n], spend: [1n, 3n, 1n] });
  }
});

test('activity has a span of time, in order', async () => {
  const holder = await newHolder(service);
  const { recordedAt } = (await topUp(service, holder, '10')).body;
  const path = `/assets/${holder.assetSlug}/activity`;
  const before1970 = await service.get(`${path}?to=0001-01-01T00:00:00Z`);
  assert.deepEqual(before1970.body, { data: [] });
  const tomorrow = new Date(Date.parse(recordedAt) + 86_400_000).toISOString();
  assert.deepEqual((await service.get(`${path}?from=${tomorrow}`)).body, { data: [] });
  assert.deepEqual((await service.get(`${path}?from=${tomorrow}&to=${tomorrow}`)).body, { data: [] });
  expectInvalid(await service.get(`${path}?bucket=week`), path, ['bucket']);
  expectInvalid(await service.get(`${path}?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z`), path, ['to']);
});

test('the trial balance of every asset is zero and shows what circulates', async () => {
  const holder = await newHolder(service);
  await topUp(service, holder, '10');
  const { position } = (await spend(service, holder, '4')).body;
  const reply = await service.get(`/audit/trial-balance?atLeast=${position}`);
  assert.equal(reply.headers['coffer-position'], reply.body.position);
  const lines = reply.body.assets as { asset: string; sum: string; circulation: string; wallets: string }[];
  assert.deepEqual(
    lines.filter(({ sum }) => sum !== '0'),
    [],
  );
  const line = lines.find(({ asset }) => asset === holder.assetSlug);
  assert.deepEqual(line, { asset: holder.assetSlug, sum: '0', circulation: '6', wallets: '2' });
});
