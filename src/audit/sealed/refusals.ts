/**
 * Why the log is not sealed, where it contradicts what was signed: noted among the findings, so that GET /projections, the metrics and
 * `audit verify` of any process show it, until sealing goes on.
 */
import type { Transaction } from '../../db/transaction.ts';

export async function noteRefusal(tx: Transaction, ledgerId: number, reason: string): Promise<void> {
  await tx.query({
    name: 'note-refusal',
    text: `
with former as (
  delete from audit_findings
   where ledger_id = $1::integer
     and check_name = 'sealing'
)
insert into audit_findings (ledger_id, check_name, expected, found)
values ($1::integer, 'sealing', 'a log that goes on from what was signed of it', $2::text)`,
    values: [ledgerId, reason],
  });
}

export async function forgetRefusal(tx: Transaction, ledgerId: number): Promise<void> {
  await tx.query({
    name: 'forget-refusal',
    text: `
delete from audit_findings
 where ledger_id = $1::integer
   and check_name = 'sealing'`,
    values: [ledgerId],
  });
}

/** Null while sealing goes on, or only waits for its key. */
export async function readRefusal(tx: Transaction, ledgerId: number): Promise<string | null> {
  const { rows } = await tx.query<{ found: string }>({
    name: 'read-refusal',
    text: `
select found
  from audit_findings
 where ledger_id = $1::integer
   and check_name = 'sealing'
 order by number desc
 limit 1`,
    values: [ledgerId],
  });
  return rows[0]?.found ?? null;
}
