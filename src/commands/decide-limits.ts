/** The rules of overdrafts and spend limits: what is sent is what holds from then on, whatever held before. */
import type { EventData } from '../events/catalog.ts';
import { hasAny, parsedLimits, spelled } from '../events/spend-limits.ts';
import type { AssetState, LedgerState, WalletState } from '../events/state.ts';
import {
  assetNotFound,
  happened,
  invalid,
  newEvent,
  refused,
  subjectErased,
  type Decision,
  type DecisionContext,
} from './decision.ts';
import type { SetAssetLimits, SetOverdraft, SetWalletLimits } from './schemas.ts';

type KnownWallet = { readonly wallet: WalletState; readonly asset: AssetState };

export function setOverdraft(state: LedgerState, command: SetOverdraft, context: DecisionContext): Decision {
  const found = usersWallet(state, command.walletId);
  if ('kind' in found) return found;
  const data = { ...walletShown(found), overdraft: command.limit };
  return happened(newEvent('wallet.overdraft_changed', data, context));
}

export function setWalletLimits(
  state: LedgerState,
  command: SetWalletLimits,
  context: DecisionContext,
): Decision {
  const found = usersWallet(state, command.walletId);
  if ('kind' in found) return found;
  const data = { ...walletShown(found), limits: spelled(parsedLimits(command)) };
  return happened(newEvent('wallet.limits_changed', data, context));
}

export function setAssetLimits(
  state: LedgerState,
  command: SetAssetLimits,
  context: DecisionContext,
): Decision {
  const asset = state.assets.get(command.slug);
  if (asset === undefined) return assetNotFound(command.slug);
  const data = { ...assetShown(asset), limits: spelled(parsedLimits(command)) };
  return happened(newEvent('asset.limits_changed', data, context));
}

export function walletWithAsset(state: LedgerState, walletId: string): KnownWallet | Decision {
  const wallet = state.wallets.get(walletId);
  const asset = wallet && state.assets.get(wallet.asset);
  if (wallet === undefined || asset === undefined)
    return refused('wallet_not_found', 'There is no wallet with this id.', { walletId });
  const { owner } = wallet;
  if ('userId' in owner && state.users.get(owner.userId)?.status === 'ERASED')
    return subjectErased(owner.userId);
  return { wallet, asset };
}

function usersWallet(state: LedgerState, walletId: string): KnownWallet | Decision {
  const found = walletWithAsset(state, walletId);
  if ('kind' in found || 'userId' in found.wallet.owner) return found;
  return invalid('id', 'is the wallet of a system account: only those of users have overdrafts and limits');
}

type WalletShown = Omit<EventData<'wallet.status_changed'>, 'reason'>;

/** What the answers of commands about a wallet show. */
export function walletShown({ wallet, asset }: KnownWallet): WalletShown {
  const { limits } = wallet;
  return {
    walletId: wallet.id,
    owner: wallet.owner,
    asset: { slug: asset.slug, name: asset.name, scale: asset.scale, status: asset.status },
    balance: wallet.balance.toString(),
    held: wallet.held.toString(),
    status: wallet.status,
    ...(limits !== null && limits.overdraft > 0n ? { overdraft: limits.overdraft.toString() } : {}),
    ...(limits !== null && hasAny(limits.limits) ? { limits: spelled(limits.limits) } : {}),
  };
}

type AssetShown = Omit<EventData<'asset.status_changed'>, 'reason'>;

export function assetShown(asset: AssetState): AssetShown {
  const { id: assetId, slug, name, scale, status, limits } = asset;
  const supplyCap = asset.supplyCap?.toString() ?? null;
  return {
    ...{ assetId, slug, name, scale, supplyCap, status },
    ...(hasAny(limits) ? { limits: spelled(limits) } : {}),
  };
}
