/**
 * Users of whom a command concerns everything they have: an erasure has to see all their wallets, whatever the asset.
 * The wallets are found before they are locked, and looked for again once the head row is held, since until then another
 * batch may open one.
 */
import type { Transaction } from '../db/transaction.ts';
import type { Command } from './schemas.ts';

export function wholeUsersOf(commands: readonly Command[]): string[] {
  return commands.flatMap((command) => (command.kind === 'user.erase' ? [command.userId] : []));
}

/** One for each asset that they ever had. */
export async function readWalletIdsOfUsers(
  tx: Transaction,
  ledgerId: number,
  userIds: readonly string[],
): Promise<string[]> {
  if (userIds.length === 0) return [];
  const { rows } = await tx.query<{ id: string }>({
    name: 'wallets-of-users',
    text: `
select id
  from wallets
 where ledger_id = $1::integer
   and owner = any ($2::text[])
   and not is_system`,
    values: [ledgerId, userIds],
  });
  return rows.map(({ id }) => id);
}
