/** What a batch of commands names: the users, assets and wallets to know, and the wallets to lock. */
import type { Owner, RecordedEvent } from '../events/catalog.ts';
import { TREASURY, walletKey } from '../events/state.ts';
import type { Needs } from './directory-cache.ts';
import { postingsOf, waitingCommand, type References } from './references.ts';
import type { Command } from './schemas.ts';

/** `more`: ids of wallets that they concern without naming them. */
export function needsOf(
  commands: Iterable<Command>,
  references: References,
  more: readonly string[] = [],
): Needs {
  const collector = collectNeeds(references);
  for (const walletId of more) collector.walletIds.add(walletId);
  for (const command of commands) takeNeeds(command, references, collector);
  return collector.needs;
}

type Collector = ReturnType<typeof collectNeeds>;

function collectNeeds(references: References) {
  const users = new Set<string>();
  const assets = new Set<string>();
  const wallets = new Map<string, { owner: Owner; asset: string }>();
  const walletIds = new Set<string>();

  function wallet(owner: Owner, asset: string): void {
    assets.add(asset);
    const key = walletKey(owner, asset);
    if (!wallets.has(key)) wallets.set(key, { owner, asset });
    if ('userId' in owner) users.add(owner.userId);
  }

  /** The wallets of an event that a command refers to, with their owners. */
  function walletsOf(event: RecordedEvent | undefined): void {
    if (event === undefined) return;
    const hold =
      event.type === 'hold.placed' ? [{ id: event.data.hold.walletId, asset: event.data.hold.asset }] : [];
    const moved = postingsOf(event).flatMap(({ asset, from, to }) => [
      { id: from.walletId, asset },
      { id: to.walletId, asset },
    ]);
    for (const { id, asset } of [...hold, ...moved]) {
      walletIds.add(id);
      const owner = references.owners.get(id);
      if (owner !== undefined) wallet(owner, asset);
    }
  }

  return { needs: { users, assets, wallets, walletIds }, users, assets, walletIds, wallet, walletsOf };
}

function takeNeeds(command: Command, references: References, collector: Collector): void {
  const { users, assets, walletIds, wallet, walletsOf } = collector;
  switch (command.kind) {
    case 'user.register':
      if (command.id !== undefined) users.add(command.id);
      break;
    case 'user.status':
    case 'user.erase':
      users.add(command.userId);
      break;
    case 'asset.create':
    case 'asset.status':
    case 'asset.limits':
      assets.add(command.slug);
      break;
    case 'wallet.status':
    case 'wallet.overdraft':
    case 'wallet.limits': {
      walletIds.add(command.walletId);
      const owner = references.owners.get(command.walletId);
      if (owner !== undefined && 'userId' in owner) users.add(owner.userId);
      break;
    }
    case 'topup':
    case 'bonus':
    case 'spend':
      wallet({ userId: command.userId }, command.assetSlug);
      wallet(TREASURY, command.assetSlug);
      break;
    case 'transfer':
      wallet({ userId: command.fromUserId }, command.assetSlug);
      wallet({ userId: command.toUserId }, command.assetSlug);
      break;
    case 'exchange':
      for (const asset of [command.fromAsset, command.toAsset]) {
        wallet({ userId: command.userId }, asset);
        wallet(TREASURY, asset);
      }
      break;
    case 'postings':
      for (const { from, to, assetSlug } of command.postings) {
        wallet(from, assetSlug);
        wallet(to, assetSlug);
      }
      break;
    case 'hold':
      wallet({ userId: command.userId }, command.assetSlug);
      break;
    case 'capture': {
      const event = references.events.get(command.holdId);
      walletsOf(event);
      if (event?.type === 'hold.placed') wallet(command.to ?? TREASURY, event.data.hold.asset);
      break;
    }
    case 'release':
    case 'hold.expire':
      walletsOf(references.events.get(command.holdId));
      break;
    case 'lot.expire':
      walletsOf(references.events.get(command.lotId));
      break;
    case 'reversal':
      walletsOf(references.events.get(command.transactionId));
      break;
    case 'schedule.create':
      takeNeeds(command.command, references, collector);
      break;
    case 'schedule.run': {
      const event = references.events.get(command.scheduleId);
      if (event?.type === 'scheduled.created') takeNeeds(waitingCommand(event), references, collector);
      break;
    }
    case 'schedule.cancel': {
      const event = references.events.get(command.scheduleId);
      const userId = event?.type === 'scheduled.created' ? event.data.schedule.userId : null;
      if (userId !== null) users.add(userId);
      break;
    }
  }
}
