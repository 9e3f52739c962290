/** How much one look of the drift sentinel adds up: a bounded number of entries, of other wallets each time. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { checkWallets } from '../../src/audit/drift/drift-wallets.ts';
import { walletIdOf } from '../support/ledger-facts.ts';
import { LEDGER_ID, newAsset, newUser } from '../support/write-side.ts';
import { openSealedLedger, type SealedLedger } from './sealed-ledger.ts';

let ledger: SealedLedger;
/** Whose entries don't add up, all of them. */
const wallets: string[] = [];

before(async () => {
  ledger = await openSealedLedger();
  const assetSlug = await newAsset(ledger.side);
  for (let count = 0; count < 5; count += 1) {
    const userId = await newUser(ledger.side, { assetSlug, amount: '5' });
    wallets.push(await walletIdOf(ledger.superuser, userId, assetSlug));
  }
  await ledger.superuser.query('update ledger_entries set amount = amount + 1 where wallet_id = any ($1)', [
    wallets,
  ]);
});

after(() => ledger.close());

/** As if the wallets had had so many entries. */
async function pretend(entries: number, of: readonly string[]): Promise<void> {
  await ledger.superuser.query('update wallets set seq = $1 where id = any ($2)', [entries, of]);
}

async function addedUp(of: readonly string[]): Promise<(string | null | undefined)[]> {
  const findings = await checkWallets(ledger.pool, LEDGER_ID, of);
  return findings.filter(({ check }) => check === 'plain_sum').map(({ walletId }) => walletId);
}

test('small ones are all added up', async () => {
  await pretend(300, wallets);
  assert.deepEqual((await addedUp(wallets)).map(String).toSorted(), wallets.toSorted());
});

test('of large ones two at a time, and each has its turn', async () => {
  await pretend(1_500, wallets);
  const seen = new Set<string | null | undefined>();
  for (let looks = 0; seen.size < wallets.length; looks += 1) {
    assert.ok(looks < 200, `${seen.size} wallets after ${looks} looks`);
    const added = await addedUp(wallets);
    assert.equal(added.length, 2);
    for (const walletId of added) seen.add(walletId);
  }
});

test('one that is too large is not, and takes the turn of no other', async () => {
  const [large = '', ...others] = wallets;
  await pretend(5_001, [large]);
  await pretend(400, others);
  for (let looks = 0; looks < 20; looks += 1)
    assert.deepEqual((await addedUp(wallets)).map(String).toSorted(), others.toSorted());
});
