import type { Transaction } from '../../db/transaction.ts';

/** What a ledger is called. */
export async function ledgerSlug(tx: Transaction, ledgerId: number): Promise<string> {
  const { rows } = await tx.query<{ slug: string }>({
    name: 'ledger-slug',
    text: 'select slug from ledgers where id = $1::integer',
    values: [ledgerId],
  });
  const [ledger] = rows;
  if (ledger === undefined) throw new Error(`there is no ledger ${ledgerId}`);
  return ledger.slug;
}
