/** Killed without warning, under load: whatever was acknowledged is there, once, when it runs again. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { findPostmaster, killAll } from '../embedded/data-directory.ts';
import { groupIsGone, makeDataDir, startCoffer, type Coffer } from '../support/coffer-process.ts';
import { definite, newKeys, send, type Told } from '../support/load.ts';
import { until } from '../support/until.ts';

let dataDir: Awaited<ReturnType<typeof makeDataDir>>;
let env: { COFFER_DATA_DIR: string };
let userId: string;

before(async () => {
  dataDir = await makeDataDir();
  env = { COFFER_DATA_DIR: dataDir.path };
});

after(() => dataDir.remove());

const CLIENTS = 16;
const assetSlug = 'gold_coins';

async function strongBalance(coffer: Coffer): Promise<bigint> {
  return BigInt(
    (await coffer.get(`/wallets/${userId}/${assetSlug}/balance?consistency=strong`)).body.balance,
  );
}

/** Sends top-ups of 1 until `disaster`, which begins once some of them were acknowledged, has run its course. */
async function underLoad(coffer: Coffer, disaster: () => Promise<void>): Promise<Told[]> {
  const list = newKeys(1_000, () => ({
    path: '/transactions/topup',
    body: { userId, assetSlug, amount: '1' },
  }));
  const acknowledged = () => list.filter((told) => definite(told).length > 0).length;
  const sending = send(coffer, list, CLIENTS);
  await until('some are acknowledged', () => acknowledged() >= 100);
  await disaster();
  await sending;
  return list;
}

/** Sends every key again: those acknowledged must be replayed with the same bytes, the others are now done. */
async function assertEachIsThereOnce(coffer: Coffer, list: readonly Told[], before: bigint): Promise<void> {
  const first = new Map(list.map((told) => [told.key, definite(told)[0]]));
  const acknowledged = [...first.values()].filter((reply) => reply !== undefined).length;
  const landed = (await strongBalance(coffer)) - before;
  assert.ok(landed >= BigInt(acknowledged), `${acknowledged} were acknowledged, ${landed} are there`);
  for (const told of list) told.replies.length = 0;
  await send(coffer, list, CLIENTS);
  for (const told of list) {
    const [again] = definite(told);
    assert.equal(again?.status, 201);
    const original = first.get(told.key);
    if (original === undefined) continue;
    assert.equal(again?.headers.get('idempotent-replayed'), 'true');
    assert.equal(again?.text, original.text);
  }
  assert.equal((await strongBalance(coffer)) - before, BigInt(list.length));
  const trial = await coffer.get('/audit/trial-balance');
  for (const asset of trial.body.assets) assert.equal(asset.sum, '0');
}

test('kill -9 of PostgreSQL alone: the service outlives it and goes on when it is back', async () => {
  const coffer = await startCoffer(['serve'], env);
  userId = String((await coffer.get('/users?email=alice@example.com')).body.data[0].id);
  const before = await strongBalance(coffer);
  const list = await underLoad(coffer, async () => {
    await killAll((await findPostmaster(dataDir.path))!, 'SIGKILL');
    await until('the database is back', async () => (await coffer.get('/ready')).status === 200, 60_000);
  });
  await assertEachIsThereOnce(coffer, list, before);
  coffer.signal('SIGTERM');
  assert.deepEqual(await coffer.exited, { code: 0, signal: null }, coffer.output());
});

test('kill -9 of everything: what was acknowledged is there after the next start', async () => {
  const doomed = await startCoffer(['serve'], env);
  const before = await strongBalance(doomed);
  const list = await underLoad(doomed, async () => {
    const postmaster = (await findPostmaster(dataDir.path))!;
    doomed.signalGroup('SIGKILL');
    await killAll(postmaster, 'SIGKILL');
  });
  await doomed.exited;
  assert.ok(groupIsGone(doomed.pid));
  assert.ok(
    list.some((told) => definite(told).length === 0),
    'it was killed in the middle of it',
  );
  const coffer = await startCoffer(['serve'], env);
  await assertEachIsThereOnce(coffer, list, before);
  coffer.signal('SIGTERM');
  assert.deepEqual(await coffer.exited, { code: 0, signal: null }, coffer.output());
  assert.equal(await findPostmaster(dataDir.path), undefined);
});
