/** Ledgers are tenants; the first migration makes the one named `main`. */
import type { Transaction } from './transaction.ts';

/** Rejects when there is no such ledger. */
export async function ledgerIdOf(tx: Transaction, slug: string): Promise<number> {
  const { rows } = await tx.query<{ id: number }>({
    text: 'select id from ledgers where slug = $1::text',
    values: [slug],
  });
  const row = rows[0];
  if (row === undefined) throw new Error(`there is no ledger ${slug}`);
  return row.id;
}
