/** A ledger with some of everything, and what a client calls each thing of it. */
import assert from 'node:assert/strict';
import { createAsset, registerUser, unique, type Service } from '../support/service.ts';
import { until } from '../support/until.ts';
import { giveBonus, spend, topUp, walletOf } from '../http/payments.ts';

/** What may stand in a path or a body. */
export type Belongings = {
  readonly userId: string;
  readonly email: string;
  readonly otherUserId: string;
  readonly assetSlug: string;
  readonly otherSlug: string;
  readonly verificationId: string;
  readonly walletId: string;
  readonly transactionId: string;
  readonly holdId: string;
  readonly scheduleId: string;
  readonly idempotencyKey: string;
  readonly keyId: string;
};

export async function settle(of: Service, keyId: string): Promise<Belongings> {
  const { id: userId, email } = await registerUser(of);
  const assetSlug = await createAsset(of);
  const idempotencyKey = unique('order');
  const holder = { userId, assetSlug };
  const paid = await topUp(of, holder, '1000', { key: idempotencyKey, reference: unique('reference') });
  assert.equal(paid.status, 201, paid.text);
  await giveBonus(of, holder, '50', { expiresInDays: 3 });
  await spend(of, holder, '10', { metadata: { note: unique('note') } });
  const hold = await of.post('/holds', { ...holder, amount: '5' });
  const later = await spend(of, holder, '1', { executeAt: new Date(Date.now() + 86_400_000).toISOString() });
  assert.equal(later.status, 202, later.text);
  return {
    ...{ userId, email, assetSlug, idempotencyKey, keyId },
    otherUserId: (await registerUser(of)).id,
    otherSlug: await createAsset(of),
    verificationId: await verificationOf(of),
    walletId: walletOf(paid),
    transactionId: paid.body.transactionId,
    holdId: hold.body.holdId,
    scheduleId: later.body.scheduleId,
  };
}

/** One at a time in a process. */
async function verificationOf(of: Service): Promise<string> {
  const started = await until('a verification begins', async () => {
    const reply = await of.post('/audit/verifications', {});
    return reply.status === 202 && reply;
  });
  return String(started.body.id);
}

/** The one of them that a path or a body of the route names so. */
export function ownedFor(owned: Belongings, template: string, name: string): string {
  switch (name) {
    case 'key':
      return owned.idempotencyKey;
    case 'userId':
    case 'fromUserId':
      return owned.userId;
    case 'toUserId':
      return owned.otherUserId;
    case 'assetSlug':
    case 'slug':
    case 'fromAsset':
      return owned.assetSlug;
    case 'toAsset':
      return owned.otherSlug;
    case 'holdId':
      return owned.holdId;
    case 'transactionId':
      return owned.transactionId;
    case 'walletId':
      return owned.walletId;
    case 'idempotencyKey':
      return owned.idempotencyKey;
    case 'name':
      return 'wallet_balances';
    case 'code':
      return 'not_found';
    default:
      return ownedById(owned, template);
  }
}

function ownedById(owned: Belongings, template: string): string {
  const [, folder = ''] = template.split('/');
  const ids: Record<string, string> = {
    wallets: owned.walletId,
    transactions: owned.transactionId,
    holds: owned.holdId,
    scheduled: owned.scheduleId,
    keys: owned.keyId,
    audit: owned.verificationId,
  };
  return ids[folder] ?? owned.userId;
}
