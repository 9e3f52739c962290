/** What a batch of commands names: the users, assets and wallets to know, and the wallets to lock. */
import type { Owner } from '../events/catalog.ts';
import { walletKey } from '../events/state.ts';
import type { Needs } from './directory-cache.ts';
import type { Command } from './schemas.ts';

export function needsOf(commands: Iterable<Command>): Needs {
  const users = new Set<string>();
  const assets = new Set<string>();
  const wallets = new Map<string, { owner: Owner; asset: string }>();
  const walletIds = new Set<string>();

  function wallet(owner: Owner, asset: string): void {
    assets.add(asset);
    wallets.set(walletKey(owner, asset), { owner, asset });
    if ('userId' in owner) users.add(owner.userId);
  }

  for (const command of commands) {
    switch (command.kind) {
      case 'user.register':
        if (command.id !== undefined) users.add(command.id);
        break;
      case 'user.status':
        users.add(command.userId);
        break;
      case 'asset.create':
      case 'asset.status':
        assets.add(command.slug);
        break;
      case 'wallet.status':
        walletIds.add(command.walletId);
        break;
      case 'topup':
      case 'bonus':
      case 'spend':
        wallet({ userId: command.userId }, command.assetSlug);
        wallet({ system: 'treasury' }, command.assetSlug);
        break;
      case 'transfer':
        wallet({ userId: command.fromUserId }, command.assetSlug);
        wallet({ userId: command.toUserId }, command.assetSlug);
        break;
    }
  }
  return { users, assets, wallets, walletIds };
}
