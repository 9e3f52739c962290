/** Holds what was taken back against what there was: never more, a transaction of several postings as a whole, no reversal. */
import type { Pool } from 'pg';
import { POSTED_TYPES } from '../../events/catalog.ts';
import { UnreadableEventError } from '../../events/upcast.ts';
import { readFact } from '../fold/event-validators.ts';
import type { FindingList } from '../fold/finding.ts';
import type { ReversedSoFar } from '../fold/heads.ts';

const PAGE = 500;

/** Resolves to how many originals were looked at. */
export async function checkReversals(
  pool: Pool,
  ledgerId: number,
  reversed: ReadonlyMap<string, ReversedSoFar>,
  findings: FindingList,
): Promise<number> {
  const ids = [...reversed.keys()];
  for (let at = 0; at < ids.length; at += PAGE) {
    const page = ids.slice(at, at + PAGE);
    const originals = await readOriginals(pool, ledgerId, page);
    for (const id of page) {
      const of = reversed.get(id);
      if (of === undefined) continue;
      const fault = faultOf(of, originals.get(id) ?? null);
      if (fault === null) continue;
      const place = { position: of.position.toString(), walletId: null };
      findings.add({
        check: 'reversals',
        ...place,
        expected: `${fault} of ${id}`,
        found: `${of.amounts.join(', ')} in ${of.times}`,
      });
    }
  }
  return ids.length;
}

/** Amounts of the postings by id, of those that can be taken back. */
async function readOriginals(
  pool: Pool,
  ledgerId: number,
  ids: readonly string[],
): Promise<Map<string, readonly bigint[]>> {
  const { rows } = await pool.query<{ id: string; type: string; version: number; data: string }>({
    name: 'audit-originals',
    text: `
select wanted.id, e.type, e.version, e.data
  from unnest($2::uuid[]) as wanted (id)
 cross join lateral (
        select *
          from events e
         where e.ledger_id = $1::integer
           and e.id = wanted.id
         limit 1
       ) e`,
    values: [ledgerId, ids],
  });
  return new Map(rows.flatMap(({ id, ...stored }) => amountsOf(stored).map((amounts) => [id, amounts])));
}

/** None of an event that is no original, or cannot be read, which is a finding of its own. */
function amountsOf(stored: { type: string; version: number; data: string }): (readonly bigint[])[] {
  try {
    const { data: text, ...of } = stored;
    const { data } = readFact({ ...of, text }).fact;
    return 'postings' in data && !('reverses' in data)
      ? [data.postings.map(({ amount }) => BigInt(amount))]
      : [];
  } catch (error) {
    if (error instanceof UnreadableEventError) return [];
    throw error;
  }
}

function faultOf({ amounts: taken, times }: ReversedSoFar, amounts: readonly bigint[] | null): string | null {
  if (amounts === null) return `no reversal (it must be one of ${POSTED_TYPES.join(', ')}, and none itself)`;
  const [only] = amounts;
  if (amounts.length === 1 && only !== undefined)
    return taken.length === 1 && taken[0] !== undefined && taken[0] <= only ? null : `at most ${only}`;
  return times === 1 && taken.join() === amounts.join() ? null : `at once, ${amounts.join(', ')}`;
}
