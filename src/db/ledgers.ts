/** Ledgers are tenants; the first migration makes the one named `main`. */
import { sqlState } from './failures.ts';
import type { Transaction } from './transaction.ts';

export const MAIN_LEDGER = 'main';

/** As the table demands it. */
export const LEDGER_SLUG = /^[a-z][a-z0-9_-]{0,62}$/;

export type Ledger = { readonly id: number; readonly slug: string };

export type LedgerHead = Ledger & { readonly headPosition: bigint; readonly createdAt: string };

export class LedgerError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'LedgerError';
  }
}

/** Rejects with LedgerError when there is no such ledger. */
export async function ledgerIdOf(tx: Transaction, slug: string): Promise<number> {
  const { rows } = await tx.query<{ id: number }>({
    text: 'select id from ledgers where slug = $1::text',
    values: [slug],
  });
  const row = rows[0];
  if (row === undefined)
    throw new LedgerError(`there is no ledger ${slug}: \`coffer ledgers list\` names them`);
  return row.id;
}

/** In the order of their creation. */
export async function listLedgers(tx: Transaction): Promise<LedgerHead[]> {
  const { rows } = await tx.query<LedgerHead>({
    name: 'list-ledgers',
    text: `
select id, slug, head_position as "headPosition", created_at as "createdAt"
  from ledgers
 order by id`,
  });
  return rows;
}

/** Rejects with LedgerError where the slug is taken or is none. */
export async function insertLedger(tx: Transaction, slug: string): Promise<Ledger> {
  if (!LEDGER_SLUG.test(slug))
    throw new LedgerError('a ledger is named by a letter and up to 62 of a-z, 0-9, _ and - after it');
  const { rows } = await tx
    .query<Ledger>({
      text: 'insert into ledgers (slug) values ($1::text) returning id, slug',
      values: [slug],
    })
    .catch((error: unknown) => {
      throw sqlState(error) === '23505' ? new LedgerError(`there is a ledger ${slug} already`) : error;
    });
  const made = rows[0];
  if (made === undefined) throw new Error('a ledger was not made');
  return made;
}
