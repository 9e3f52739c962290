import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { assetActivity } from '../../src/projections/asset-activity.ts';
import { createAsset, registerUser } from '../support/service.ts';
import { accepted, openReadSide, type ReadSide } from './read-side.ts';

let side: ReadSide;

before(async () => {
  side = await openReadSide();
});

after(() => side.close());

type Line = [hour: string, type: string, posted: bigint, volume: bigint, rejected: bigint];

async function activityOf(slug: string): Promise<Line[]> {
  await side.catchUp(assetActivity);
  const rows = await side.rows(
    `select v.hour, v.type, v.posted, v.volume, v.rejected
       from read.asset_activity v join assets a on a.ledger_id = v.ledger_id and a.id = v.asset_id
      where v.ledger_id = $1 and a.slug = $2 order by v.hour, v.type`,
    [slug],
  );
  return rows.map(({ hour, type, posted, volume, rejected }): Line => [hour, type, posted, volume, rejected]);
}

function hourOf(time: string): string {
  return `${time.slice(0, 13)}:00:00.000Z`;
}

/** Lets the log go on some hours later: recorded times never go back, so everything after is later too. */
async function moveClock(hours: number): Promise<void> {
  await side.rows(
    `update ledgers set head_recorded_at = date_trunc('hour', head_recorded_at) + make_interval(hours => $2::integer)
      where id = $1`,
    [hours],
  );
}

describe('The activity of an asset', () => {
  test('counts and adds up what was posted, by type (transaction.posted)', async () => {
    const [alice, bob] = [await registerUser(side.service), await registerUser(side.service)];
    const slug = await createAsset(side.service);
    const other = await createAsset(side.service);
    await moveClock(1);
    const post = async (kind: string, amount: string, body: object, assetSlug = slug) =>
      accepted(await side.service.post(`/transactions/${kind}`, { assetSlug, amount, ...body }));
    const { recordedAt } = await post('topup', '100', { userId: alice.id });
    await post('topup', '200', { userId: bob.id });
    await post('bonus', '9'.repeat(37), { userId: bob.id });
    await post('spend', '30', { userId: alice.id });
    await post('transfer', '5', { fromUserId: alice.id, toUserId: bob.id });
    await post('transfer', '6', { fromUserId: bob.id, toUserId: alice.id });
    await post('topup', '7', { userId: alice.id }, other);
    const hour = hourOf(recordedAt);
    assert.deepEqual(await activityOf(slug), [
      [hour, 'bonus', 1n, BigInt('9'.repeat(37)), 0n],
      [hour, 'spend', 1n, 30n, 0n],
      [hour, 'topup', 2n, 300n, 0n],
      [hour, 'transfer', 2n, 11n, 0n],
    ]);
    assert.deepEqual(await activityOf(other), [[hour, 'topup', 1n, 7n, 0n]]);
  });

  test('counts what was refused, without volume (transaction.rejected)', async () => {
    const user = await registerUser(side.service);
    const slug = await createAsset(side.service);
    await moveClock(1);
    const body = { userId: user.id, assetSlug: slug, amount: '50' };
    const { recordedAt } = accepted(await side.service.post('/transactions/topup', body));
    for (const amount of ['51', '52']) {
      assert.equal((await side.service.post('/transactions/spend', { ...body, amount })).status, 422);
    }
    accepted(await side.service.post('/transactions/spend', body));
    const hour = hourOf(recordedAt);
    assert.deepEqual(await activityOf(slug), [
      [hour, 'spend', 1n, 50n, 2n],
      [hour, 'topup', 1n, 50n, 0n],
    ]);
  });

  test('adds to a line that an earlier range began', async () => {
    const user = await registerUser(side.service);
    const slug = await createAsset(side.service);
    await moveClock(1);
    const body = { userId: user.id, assetSlug: slug, amount: '10' };
    const { recordedAt } = accepted(await side.service.post('/transactions/topup', body));
    const hour = hourOf(recordedAt);
    assert.deepEqual(await activityOf(slug), [[hour, 'topup', 1n, 10n, 0n]]);
    accepted(await side.service.post('/transactions/topup', body));
    assert.deepEqual(await activityOf(slug), [[hour, 'topup', 2n, 20n, 0n]]);
  });

  test('goes by the hour, in UTC, in which a transaction was recorded', async () => {
    const user = await registerUser(side.service);
    const slug = await createAsset(side.service);
    const body = { userId: user.id, assetSlug: slug, amount: '10' };
    const hours: string[] = [];
    for (const hoursLater of [1, 1, 23]) {
      await moveClock(hoursLater);
      hours.push(hourOf(accepted(await side.service.post('/transactions/topup', body)).recordedAt));
    }
    assert.deepEqual(
      await activityOf(slug),
      hours.map((hour): Line => [hour, 'topup', 1n, 10n, 0n]),
    );
    const apart = hours.map((hour) => (Date.parse(hour) - Date.parse(hours[0]!)) / 3_600_000);
    assert.deepEqual(apart, [0, 1, 24]);
  });

  test('adds up to more than 38 digits', async () => {
    const [alice, bob] = [await registerUser(side.service), await registerUser(side.service)];
    const slug = await createAsset(side.service);
    await moveClock(1);
    const amount = '9'.repeat(38);
    const { recordedAt } = accepted(
      await side.service.post('/transactions/topup', { userId: alice.id, assetSlug: slug, amount }),
    );
    for (const [fromUserId, toUserId] of [
      [alice.id, bob.id],
      [bob.id, alice.id],
    ]) {
      accepted(
        await side.service.post('/transactions/transfer', { fromUserId, toUserId, assetSlug: slug, amount }),
      );
    }
    const hour = hourOf(recordedAt);
    assert.deepEqual(await activityOf(slug), [
      [hour, 'topup', 1n, BigInt(amount), 0n],
      [hour, 'transfer', 2n, 2n * BigInt(amount), 0n],
    ]);
  });

  test('takes no notice of what is no transaction', async () => {
    const user = await registerUser(side.service);
    const slug = await createAsset(side.service);
    accepted(
      await side.service.post('/transactions/topup', { userId: user.id, assetSlug: slug, amount: '1' }),
    );
    const before = [await activityOf(slug), await side.contents(assetActivity)];
    accepted(await side.service.post(`/users/${user.id}/status`, { status: 'BANNED' }));
    accepted(await side.service.post(`/assets/${slug}/status`, { status: 'FROZEN' }));
    assert.deepEqual([await activityOf(slug), await side.contents(assetActivity)], before);
    assert.equal(await side.checkpoint(assetActivity), await side.head());
  });
});
