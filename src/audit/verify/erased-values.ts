/** Of users who were erased nothing personal may be there, whatever it is called: what came back is found. */
import type { Pool } from 'pg';
import type { FindingList } from '../fold/finding.ts';
import type { Heads } from '../fold/heads.ts';

const PAGE = 1_000;

/** What was erased stays so: it does not matter that they are looked for after the log was read. */
export async function checkErasedValues(
  pool: Pool,
  ledgerId: number,
  { users }: Heads,
  findings: FindingList,
): Promise<void> {
  const erased = [...users].flatMap(([id, { erasedPosition }]) => (erasedPosition === null ? [] : [id]));
  for (let at = 0; at < erased.length; at += PAGE) {
    const { rows } = await pool.query<{ subject_id: string; fields: bigint; first: string }>({
      name: 'audit-erased-values',
      text: `
select p.subject_id, count(*) as fields, min(p.field) as first
  from personal p
 where p.ledger_id = $1::integer
   and p.subject_id = any ($2::uuid[])
 group by p.subject_id`,
      values: [ledgerId, erased.slice(at, at + PAGE)],
    });
    for (const { subject_id: subjectId, fields, first } of rows) {
      const position = users.get(subjectId)?.erasedPosition?.toString() ?? null;
      const expected = `nothing personal of ${subjectId}, who was erased`;
      const more = fields === 1n ? '' : ` and ${fields - 1n} more`;
      findings.add({ check: 'personal', position, walletId: null, expected, found: `${first}${more}` });
    }
  }
}
