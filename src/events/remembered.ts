/** Looks up what became of an idempotency key. */
import type { Transaction } from '../db/transaction.ts';
import { keyHash } from './key-hash.ts';
import { readEventsAt, type StoredEvent } from './read.ts';

/** The event that carries the key, or null when nothing with it was ever recorded. */
export async function readRemembered(
  tx: Transaction,
  ledgerId: number,
  key: string,
): Promise<StoredEvent | null> {
  const { rows } = await tx.query<{ position: bigint }>({
    name: 'remembered-key',
    text: `
select position
  from idempotency_keys
 where ledger_id = $1::integer
   and key_hash = $2::bytea`,
    values: [ledgerId, keyHash(key)],
  });
  const [event] = await readEventsAt(
    tx,
    ledgerId,
    rows.map(({ position }) => position),
  );
  return event ?? null;
}
