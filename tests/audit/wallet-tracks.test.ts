/** What a range makes of its wallets, one event after the other, whatever was remembered of them a moment ago. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changesOf } from '../../src/audit/fold/plain-sum.ts';
import { createWalletTracks, type TrackedEvent } from '../../src/audit/fold/wallet-tracks.ts';
import type { Entry } from '../../src/events/evolve.ts';
import {
  alice,
  bob,
  gold,
  opened,
  ore,
  posted,
  treasuryOpened,
  walletIdOf,
  type Happening,
} from '../events/facts.ts';

function createFold() {
  const wallets = createWalletTracks();
  let position = 0n;
  const fold = (happening: Happening): Entry[] => {
    position += 1n;
    const event = { ...happening, position } as TrackedEvent;
    return wallets.fold(event, changesOf(event.type, event.data), []);
  };
  return { wallets, fold };
}

const aliceId = walletIdOf(alice, gold);
const topup = (amount: string, treasury: string, balance: string): Happening =>
  posted(
    gold,
    amount,
    { walletId: gold.treasuryId, balanceAfter: treasury },
    { walletId: aliceId, balanceAfter: balance },
  );

test('entries go on from each other, other wallets in between or not', () => {
  const { fold } = createFold();
  fold(treasuryOpened(gold));
  fold(opened(alice, gold));
  assert.deepEqual(
    fold(topup('5', '-5', '5')).map(({ balanceAfter, seq }) => [balanceAfter, seq]),
    [
      [-5n, 1n],
      [5n, 1n],
    ],
  );
  fold(opened(bob, gold));
  fold(treasuryOpened(ore));
  assert.deepEqual(
    fold(topup('2', '-7', '7')).map(({ balanceAfter, seq }) => [balanceAfter, seq]),
    [
      [-7n, 2n],
      [7n, 2n],
    ],
  );
});

test('what is corrected is gone on from', () => {
  const { wallets, fold } = createFold();
  fold(treasuryOpened(gold));
  fold(opened(alice, gold));
  fold(topup('5', '-5', '5'));
  wallets.correct(aliceId, { balance: 50n });
  assert.equal(fold(topup('1', '-6', '51'))[1]?.balanceAfter, 51n);
});

test('a wallet that is opened a second time stays what it was opened as', () => {
  const { fold } = createFold();
  fold(treasuryOpened(gold));
  fold(opened(alice, gold));
  const again = opened(alice, gold);
  const forged = { ...again, data: { ...again.data, assetId: ore.id, asset: ore.slug } };
  assert.throws(() => fold(forged), /was there before it was opened/);
  assert.deepEqual(
    fold(topup('5', '-5', '5')).map(({ assetId }) => assetId),
    [gold.id, gold.id],
  );
});
