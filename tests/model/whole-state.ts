/** All that there is of a world, as the service shows it and as the reference has it. */
import assert from 'node:assert/strict';
import { catchUp } from '../../src/projections/catch-up.ts';
import { projections } from '../../src/projections/catalog.ts';
import { pagesOf } from '../http/pages-of.ts';
import { CAPS, SYSTEMS, USERS } from './commands.ts';
import { checkEntries, checkHold, headPosition } from './exchange.ts';
import { walletIn } from './reference-pay.ts';
import { strictest, usedOf, WINDOW_NAMES } from './reference-limits.ts';
import { showsErased } from './reference-requests.ts';
import { walletName } from './reference-words.ts';
import { assertWalletIs, type World } from './world.ts';

export async function checkWholeState(world: World): Promise<void> {
  await catchUp(world.side.pool, world.side.ledgerId, projections);
  const head = await headPosition(world);
  await Promise.all([
    checkUsersWallets(world, 'consistency=strong'),
    checkUsersWallets(world, `atLeast=${head}`),
    checkUsers(world, head),
    checkSystemWallets(world, head),
    checkLimits(world),
    checkHolds(world, head),
    checkLots(world, head),
    checkTransactions(world),
    checkKeys(world),
  ]);
}

async function checkUsersWallets(world: World, query: string): Promise<void> {
  const pairs = USERS.flatMap((owner) => Object.keys(CAPS).map((asset) => ({ owner, asset })));
  const { service, userIds, slugs } = world;
  await Promise.all(
    pairs.map(async ({ owner, asset }) => {
      const reply = await service.get(`/wallets/${userIds.get(owner)}/${slugs.get(asset)}/balance?${query}`);
      checkFigures(world, { owner, asset }, reply.body);
      if (world.reference.ledger.wallets.has(`${owner}/${asset}`))
        assertWalletIs(world, { owner, asset }, reply.body.walletId);
    }),
  );
}

async function checkUsers({ service, userIds, reference }: World, head: string): Promise<void> {
  for (const [name, { banned, erased }] of reference.ledger.users) {
    const { status, body } = await service.get(`/users/${userIds.get(name)}?atLeast=${head}`);
    if (erased) assert.deepEqual([status, body.code], [410, 'subject_erased'], name);
    else assert.deepEqual([status, body.status], [200, banned ? 'BANNED' : 'ACTIVE'], name);
  }
}

async function checkSystemWallets(world: World, head: string): Promise<void> {
  for (const owner of SYSTEMS) {
    const path = `/wallets?system=${owner.slice(1)}&atLeast=${head}`;
    const { items } = await pagesOf(world.service, path, 500);
    for (const asset of Object.keys(CAPS)) {
      const found = items.find((wallet) => wallet.asset.slug === world.slugs.get(asset));
      checkFigures(world, { owner, asset }, found ?? { balance: '0', held: '0', available: '0' });
      const { frozen } = walletIn(world.reference.ledger, owner, asset);
      assert.equal(found?.status ?? 'ACTIVE', frozen ? 'FROZEN' : 'ACTIVE', `${owner}/${asset}`);
    }
  }
}

type Figures = { readonly balance: string; readonly held: string; readonly available: string };

function checkFigures(
  { reference }: World,
  { owner, asset }: { owner: string; asset: string },
  { balance, held, available }: Figures,
): void {
  const wallet = walletIn(reference.ledger, owner, asset);
  assert.deepEqual(
    { balance, held, available },
    {
      balance: wallet.balance.toString(),
      held: wallet.held.toString(),
      available: (wallet.balance - wallet.held).toString(),
    },
    `${owner}/${asset}`,
  );
}

async function checkLimits(world: World): Promise<void> {
  const { service, reference, walletIds } = world;
  const { ledger } = reference;
  const pairs = USERS.flatMap((owner) => Object.keys(CAPS).map((asset) => ({ owner, asset })));
  await Promise.all(
    pairs.map(async ({ owner, asset }) => {
      const name = walletName(owner, asset);
      const id = walletIds.get(name);
      if (id === undefined) return;
      const { body } = await service.get(`/wallets/${id}/limits`);
      assert.equal(body.overdraft.limit, (ledger.overdrafts.get(name) ?? 0n).toString());
      for (const window of WINDOW_NAMES) {
        const inForce = strictest(ledger, owner, asset, window);
        const used = usedOf(ledger, name, window);
        const left = inForce === null ? null : inForce.limit - used;
        const { freesAt, ...shown } = body[window];
        assert.deepEqual(shown, {
          ...{ limit: inForce?.limit.toString() ?? null, scope: inForce?.scope ?? null },
          ...{ used: used.toString(), left: left === null ? null : (left > 0n ? left : 0n).toString() },
        });
        assert.equal(freesAt === null, used === 0n);
      }
    }),
  );
}

async function checkHolds(world: World, head: string): Promise<void> {
  await Promise.all(
    world.reference.ledger.holds.map(async (hold, number) => {
      const { body } = await world.service.get(`/holds/${world.holdIds[number]}?atLeast=${head}`);
      checkHold(world, hold, body);
    }),
  );
}

async function checkLots(world: World, head: string): Promise<void> {
  const { ledger } = world.reference;
  for (const [name, pots] of Map.groupBy(ledger.pots, ({ owner, asset }) => `${owner}/${asset}`)) {
    const [{ owner, asset }] = pots as [(typeof pots)[number]];
    const path = `/wallets/${world.userIds.get(owner)}/${world.slugs.get(asset)}/balance?consistency=strong`;
    const { walletId } = (await world.service.get(path)).body;
    const { items } = await pagesOf(world.service, `/wallets/${walletId}/lots?atLeast=${head}`, 500);
    assert.deepEqual(
      items.map(({ lotId, amount, remaining, reserved }) => ({ lotId, amount, remaining, reserved })),
      pots
        .toSorted((one, other) => other.bonus - one.bonus)
        .map(({ bonus, amount, left, kept }) => ({
          lotId: world.transactionIds[bonus],
          ...{ amount: amount.toString(), remaining: left.toString(), reserved: kept.toString() },
        })),
      name,
    );
  }
}

async function checkTransactions(world: World): Promise<void> {
  await Promise.all(
    world.reference.ledger.transactions.map(async (posted, number) => {
      const { body } = await world.service.get(`/transactions/${world.transactionIds[number]}`);
      assert.deepEqual([body.type, body.status], [posted.type, posted.declined ? 'rejected' : 'posted']);
      checkEntries(world, { posted, entries: body.entries });
      assert.equal(body.reversals?.length ?? 0, posted.reversals);
      if (posted.reversals === 0) return;
      assert.equal(body.reversedAmount, posted.postings.length > 1 ? null : posted.reversed.toString());
    }),
  );
}

/** Every write can be asked for by its key, and was remembered as it was answered. */
async function checkKeys(world: World): Promise<void> {
  await Promise.all(
    [...world.answers].map(async ([key, { status, text }]) => {
      const { body } = await world.service.get(`/idempotency-keys/${key}`);
      const { ledger, remembered } = world.reference;
      if (showsErased(ledger, remembered.get(key)!)) assert.equal(body.code, 'subject_erased');
      else assert.deepEqual([body.status, JSON.stringify(body.outcome)], [status, text]);
    }),
  );
}
