import type { Transaction } from '../db/transaction.ts';

/** The last position of a ledger's log, 0 before the first event. */
export async function headPosition(tx: Transaction, ledgerId: number): Promise<bigint> {
  const { rows } = await tx.query<{ head_position: bigint }>({
    name: 'head-position',
    text: 'select head_position from ledgers where id = $1::integer',
    values: [ledgerId],
  });
  return rows[0]?.head_position ?? 0n;
}
