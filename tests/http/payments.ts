/** Money on its way, for tests that need some to be somewhere. */
import { randomUUID } from 'node:crypto';
import { createAsset, registerUser, type Reply, type Service } from '../support/service.ts';

export type Holder = { readonly userId: string; readonly assetSlug: string };

export type More = { readonly key?: string; readonly [field: string]: unknown };

/** A new user, and an asset to hold. */
export async function newHolder(service: Service, assetSlug?: string): Promise<Holder> {
  const user = await registerUser(service);
  return { userId: user.id, assetSlug: assetSlug ?? (await createAsset(service)) };
}

function move(kind: 'topup' | 'bonus' | 'spend') {
  return (service: Service, holder: Holder, amount: string, more: More = {}): Promise<Reply> => {
    const { key = randomUUID(), ...fields } = more;
    return service.post(`/transactions/${kind}`, { ...holder, amount, ...fields }, key);
  };
}

export const topUp = move('topup');
export const giveBonus = move('bonus');
export const spend = move('spend');

export function transfer(
  service: Service,
  parties: { from: Holder; to: Holder },
  amount: string,
  more: More = {},
): Promise<Reply> {
  const { key = randomUUID(), ...fields } = more;
  const { from, to } = parties;
  const body = { fromUserId: from.userId, toUserId: to.userId, assetSlug: from.assetSlug, amount, ...fields };
  return service.post('/transactions/transfer', body, key);
}

/** The id of the wallet that a top-up opened. */
export function walletOf(toppedUp: Reply): string {
  return String(toppedUp.body.entries[1].walletId);
}

/** Whose exchange it is: of what is held for an asset that is new. */
export async function swapOf(
  service: Service,
  { userId, assetSlug }: Holder,
): Promise<{ userId: string; fromAsset: string; toAsset: string }> {
  return { userId, fromAsset: assetSlug, toAsset: await createAsset(service) };
}
