/** Statuses, limits and erasures once more. */
import { isSystem, refused, walletName } from './reference-words.ts';
import { done, walletIn } from './reference-pay.ts';
import type { Command, Ledger, Outcome } from './reference-terms.ts';

type CommandOf<Kind extends Command['kind']> = Extract<Command, { kind: Kind }>;

/** For ever, and only of one who has nothing and owes nothing. */
export function erase(ledger: Ledger, command: CommandOf<'user.erase'>): Outcome {
  const user = ledger.users.get(command.user);
  if (user === undefined) return refused(404, 'user_not_found');
  if (user.erased) return refused(410, 'subject_erased');
  const left = [...ledger.assets.keys()].filter((asset) => {
    const { balance, held } = walletIn(ledger, command.user, asset);
    const hidden = ledger.pots.some(
      (pot) => pot.owner === command.user && pot.asset === asset && pot.left > 0n,
    );
    return balance !== 0n || held !== 0n || hidden;
  }).length;
  if (left > 0) return refused(422, 'user_not_empty', { wallets: BigInt(left) });
  user.erased = true;
  return done({});
}

export function setStatus(
  ledger: Ledger,
  command: CommandOf<'user.status' | 'asset.status' | 'wallet.status'>,
): Outcome {
  if (command.kind === 'user.status') {
    const user = ledger.users.get(command.user);
    if (user === undefined) return refused(404, 'user_not_found');
    if (user.erased) return refused(410, 'subject_erased');
    user.banned = command.barred;
  } else if (command.kind === 'asset.status') {
    const asset = ledger.assets.get(command.asset);
    if (asset === undefined) return refused(404, 'asset_not_found');
    asset.frozen = command.barred;
  } else {
    if (!command.known) return refused(404, 'wallet_not_found');
    if (ledger.users.get(command.owner)?.erased) return refused(410, 'subject_erased');
    const wallet = walletIn(ledger, command.owner, command.asset);
    ledger.wallets.set(walletName(command.owner, command.asset), { ...wallet, frozen: command.barred });
  }
  return done({});
}

export function setLimits(
  ledger: Ledger,
  command: CommandOf<'wallet.overdraft' | 'wallet.limits' | 'asset.limits'>,
): Outcome {
  if (command.kind === 'asset.limits') {
    if (!ledger.assets.has(command.asset)) return refused(404, 'asset_not_found');
    ledger.assetLimits.set(command.asset, command.limits);
    return done({});
  }
  if (!command.known) return refused(404, 'wallet_not_found');
  if (ledger.users.get(command.owner)?.erased) return refused(410, 'subject_erased');
  if (isSystem(command.owner)) return refused(400, 'validation_failed');
  const name = walletName(command.owner, command.asset);
  if (command.kind === 'wallet.overdraft') ledger.overdrafts.set(name, command.overdraft);
  else ledger.limits.set(name, command.limits);
  return done({});
}
