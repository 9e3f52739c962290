import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { directory } from '../../src/projections/directory.ts';
import { createAsset, registerUser } from '../support/service.ts';
import { accepted, openReadSide, type ReadSide, type Row } from './read-side.ts';

let side: ReadSide;

before(async () => {
  side = await openReadSide();
});

after(() => side.close());

async function foundIn(table: 'users' | 'assets' | 'wallets', id: string): Promise<Row[]> {
  await side.catchUp(directory);
  const rows = await side.rows(`select * from read.${table} where ledger_id = $1 and id = $2`, [id]);
  return rows.map(({ ledger_id: _, ...row }) => row);
}

describe('The directory', () => {
  test('lists a user from registration on, without the e-mail (user.registered)', async () => {
    const user = accepted(await side.service.post('/users', { email: 'dora@example.com' }));
    const { id, createdAt, position } = user;
    const shown = { id, status: 'ACTIVE', created_at: createdAt, position: BigInt(position) };
    assert.deepEqual(await foundIn('users', id), [shown]);
  });

  test('follows the status of a user and keeps the rest (user.status_changed)', async () => {
    const { id } = await registerUser(side.service);
    const [before] = await foundIn('users', id);
    const seen: unknown[] = [];
    for (const status of ['BANNED', 'BANNED', 'ACTIVE']) {
      accepted(await side.service.post(`/users/${id}/status`, { status }));
      seen.push(...(await foundIn('users', id)));
    }
    const expected = ['BANNED', 'BANNED', 'ACTIVE'].map((status) => ({ ...before, status }));
    assert.deepEqual(seen, expected);
  });

  test('keeps a user who was erased, as one who was there (user.erased)', async () => {
    const { id } = await registerUser(side.service);
    const other = await registerUser(side.service);
    const [before] = await foundIn('users', id);
    const [otherBefore] = await foundIn('users', other.id);
    // In one range with what came before it.
    accepted(await side.service.post(`/users/${id}/status`, { status: 'BANNED' }));
    accepted(await side.service.post(`/users/${id}/erase`, {}));
    assert.deepEqual(await foundIn('users', id), [{ ...before, status: 'ERASED' }]);
    assert.deepEqual(await foundIn('users', other.id), [otherBefore]);
  });

  test('lists an asset with its figures (asset.created)', async () => {
    const body = { slug: 'silver', name: 'Silber 🥈', scale: 18, supplyCap: '9'.repeat(38) };
    const { id, position } = accepted(await side.service.post('/assets', body));
    assert.deepEqual(await foundIn('assets', id), [
      {
        ...{
          id,
          slug: 'silver',
          name: 'Silber 🥈',
          scale: 18,
          supply_cap: 10n ** 38n - 1n,
          status: 'ACTIVE',
        },
        position: BigInt(position),
      },
    ]);
  });

  test('lists an asset without a supply cap, and one with a cap of zero', async () => {
    const caps: unknown[] = [];
    for (const supplyCap of [null, '0']) {
      const slug = `${supplyCap === null ? 'unbounded' : 'closed'}_asset`;
      const { id } = accepted(await side.service.post('/assets', { slug, supplyCap }));
      caps.push((await foundIn('assets', id))[0]?.['supply_cap']);
    }
    assert.deepEqual(caps, [null, 0n]);
  });

  test('follows the status of an asset and keeps the rest (asset.status_changed)', async () => {
    const { id } = accepted(await side.service.post('/assets', { slug: 'copper', scale: 2 }));
    const [before] = await foundIn('assets', id);
    for (const status of ['FROZEN', 'ACTIVE', 'FROZEN']) {
      accepted(await side.service.post('/assets/copper/status', { status }));
    }
    assert.deepEqual(await foundIn('assets', id), [{ ...before, status: 'FROZEN' }]);
  });

  test("lists a treasury and a user's wallet when they are opened (wallet.opened)", async () => {
    const user = await registerUser(side.service);
    const asset = accepted(await side.service.post('/assets', { slug: 'pearls' }));
    const topup = await side.service.post('/transactions/topup', {
      userId: user.id,
      assetSlug: 'pearls',
      amount: '1',
    });
    const { position, entries } = accepted(topup);
    const [treasuryId, walletId] = entries.map((entry: Row) => entry['walletId']);
    const shared = { asset_id: asset.id, status: 'ACTIVE' };
    assert.deepEqual(await foundIn('wallets', treasuryId), [
      {
        id: treasuryId,
        owner: 'treasury',
        is_system: true,
        ...shared,
        position: BigInt(asset.position) - 1n,
      },
    ]);
    assert.deepEqual(await foundIn('wallets', walletId), [
      { id: walletId, owner: user.id, is_system: false, ...shared, position: BigInt(position) - 1n },
    ]);
  });

  test('follows the status of a wallet and keeps the rest (wallet.status_changed)', async () => {
    const user = await registerUser(side.service);
    const slug = await createAsset(side.service);
    const topup = await side.service.post('/transactions/topup', {
      userId: user.id,
      assetSlug: slug,
      amount: '1',
    });
    const { walletId } = accepted(topup).entries[1];
    const [before] = await foundIn('wallets', walletId);
    accepted(await side.service.post(`/wallets/${walletId}/status`, { status: 'FROZEN' }));
    assert.deepEqual(await foundIn('wallets', walletId), [{ ...before, status: 'FROZEN' }]);
    accepted(await side.service.post(`/wallets/${walletId}/status`, { status: 'ACTIVE' }));
    assert.deepEqual(await foundIn('wallets', walletId), [before]);
  });

  test('takes the last of several changes in one range', async () => {
    const user = await registerUser(side.service);
    const slug = await createAsset(side.service);
    const topup = await side.service.post('/transactions/topup', {
      ...{ userId: user.id, assetSlug: slug, amount: '1' },
    });
    const { walletId } = accepted(topup).entries[1];
    for (const [path, statuses] of [
      [`/users/${user.id}/status`, ['ACTIVE', 'BANNED']],
      [`/assets/${slug}/status`, ['ACTIVE', 'FROZEN']],
      [`/wallets/${walletId}/status`, ['ACTIVE', 'FROZEN']],
    ] as const) {
      for (const status of statuses) accepted(await side.service.post(path, { status }));
    }
    const [asset] = await side.rows('select id from assets where ledger_id = $1 and slug = $2', [slug]);
    const found = [
      ...(await foundIn('users', user.id)),
      ...(await foundIn('assets', asset?.['id'])),
      ...(await foundIn('wallets', walletId)),
    ];
    assert.deepEqual(
      found.map(({ status }) => status),
      ['BANNED', 'FROZEN', 'FROZEN'],
    );
  });

  test('moves past money, posted or refused, without a change (transaction.posted, transaction.rejected)', async () => {
    const user = await registerUser(side.service);
    const slug = await createAsset(side.service);
    const money = { userId: user.id, assetSlug: slug, amount: '1' };
    accepted(await side.service.post('/transactions/topup', money));
    await side.catchUp(directory);
    const before = await side.contents(directory);
    accepted(await side.service.post('/transactions/topup', money));
    const refused = await side.service.post('/transactions/spend', { ...money, amount: '9' });
    assert.equal(refused.body.code, 'insufficient_funds');
    assert.equal(await side.catchUp(directory), 2n);
    assert.deepEqual(await side.contents(directory), before);
  });
});
