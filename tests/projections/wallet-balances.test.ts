import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { walletBalances } from '../../src/projections/wallet-balances.ts';
import { createAsset, registerUser } from '../support/service.ts';
import { accepted, openReadSide, type ReadSide, type Row } from './read-side.ts';

let side: ReadSide;

before(async () => {
  side = await openReadSide();
});

after(() => side.close());

async function balancesOf(slug: string): Promise<Row[]> {
  await side.catchUp(walletBalances);
  const wallets = await side.rows(
    `select b.wallet_id, b.owner, b.is_system, b.balance, b.held, b.position
       from read.wallet_balances b join assets a on a.ledger_id = b.ledger_id and a.id = b.asset_id
      where b.ledger_id = $1 and a.slug = $2 order by b.is_system desc, b.position, b.owner`,
    [slug],
  );
  return wallets;
}

async function move(kind: string, body: Record<string, unknown>) {
  return accepted(await side.service.post(`/transactions/${kind}`, body));
}

describe('The balances of wallets', () => {
  test('have the treasury of a new asset, at zero (wallet.opened)', async () => {
    const slug = await createAsset(side.service);
    const [treasury, ...others] = await balancesOf(slug);
    const { wallet_id: walletId, position, ...shown } = treasury ?? {};
    assert.deepEqual(shown, { owner: 'treasury', is_system: true, balance: 0n, held: 0n });
    assert.equal(position, (await side.head()) - 1n);
    assert.match(walletId, /^[0-9a-f-]{36}$/);
    assert.deepEqual(others, []);
  });

  test("have a user's wallet from its first credit on, with both sides moved (transaction.posted)", async () => {
    const user = await registerUser(side.service);
    const slug = await createAsset(side.service);
    const topup = await move('topup', { userId: user.id, assetSlug: slug, amount: '100' });
    const position = BigInt(topup.position);
    const [treasuryId, walletId] = topup.entries.map((entry: Row) => entry['walletId']);
    assert.deepEqual(await balancesOf(slug), [
      { wallet_id: treasuryId, owner: 'treasury', is_system: true, balance: -100n, held: 0n, position },
      { wallet_id: walletId, owner: user.id, is_system: false, balance: 100n, held: 0n, position },
    ]);
  });

  test('are the last of several movements in one range, each with the position that moved it', async () => {
    const [alice, bob] = [await registerUser(side.service), await registerUser(side.service)];
    const slug = await createAsset(side.service);
    const asset = { assetSlug: slug };
    await move('topup', { userId: alice.id, ...asset, amount: '100' });
    const bonus = await move('bonus', { userId: bob.id, ...asset, amount: '9'.repeat(30) });
    const spend = await move('spend', { userId: alice.id, ...asset, amount: '1' });
    const transfer = await move('transfer', {
      fromUserId: bob.id,
      toUserId: alice.id,
      ...asset,
      amount: '9',
    });
    assert.ok(BigInt(transfer.position) > BigInt(bonus.position));
    const found = await balancesOf(slug);
    assert.deepEqual(
      new Map(found.map(({ owner, balance, position }) => [owner, [balance, position]])),
      new Map([
        [alice.id, [108n, BigInt(transfer.position)]],
        [bob.id, [BigInt('9'.repeat(30)) - 9n, BigInt(transfer.position)]],
        ['treasury', [-99n - BigInt('9'.repeat(30)), BigInt(spend.position)]],
      ]),
    );
  });

  test('have an empty wallet for a payer who had none (wallet.opened before a refusal)', async () => {
    const user = await registerUser(side.service);
    const slug = await createAsset(side.service);
    const refused = await side.service.post('/transactions/spend', {
      userId: user.id,
      assetSlug: slug,
      amount: '1',
    });
    assert.equal(refused.body.code, 'insufficient_funds');
    const own = (await balancesOf(slug)).filter(({ owner }) => owner === user.id);
    assert.deepEqual(
      own.map(({ balance, held }) => [balance, held]),
      [[0n, 0n]],
    );
    assert.equal(own[0]?.['position'], BigInt(String(refused.headers['coffer-position'])) - 1n);
  });

  test('are left as they are by everything else', async () => {
    const user = await registerUser(side.service);
    const slug = await createAsset(side.service);
    const topup = await move('topup', { userId: user.id, assetSlug: slug, amount: '5' });
    const balances = await balancesOf(slug);
    const { walletId } = topup.entries[1];
    for (const [path, body] of [
      [`/wallets/${walletId}/status`, { status: 'FROZEN' }],
      [`/users/${user.id}/status`, { status: 'BANNED' }],
      [`/assets/${slug}/status`, { status: 'FROZEN' }],
      ['/users', { email: `other.${user.email}` }],
    ] as const) {
      accepted(await side.service.post(path, body));
    }
    const refused = await side.service.post('/transactions/topup', {
      userId: user.id,
      assetSlug: slug,
      amount: '1',
    });
    assert.equal(refused.body.code, 'user_banned');
    assert.deepEqual(await balancesOf(slug), balances);
    assert.equal(await side.checkpoint(walletBalances), await side.head());
  });
});
