import { LEAF_COLUMNS } from './leaf.ts';

/** Where a leaf has its position: after the number of columns and the length of the first. */
const POSITION_AT = 6;

/** The leaves start <= n < end as rows for copyRows, in order. */
export function leavesQuery(ledgerId: number, start: bigint, end: bigint): string {
  return `
select ${LEAF_COLUMNS}
  from events e
 where e.ledger_id = ${ledgerId}
   and e.position > ${start}
   and e.position <= ${end}
 order by e.position`;
}

export function positionOf(leaf: Buffer): bigint {
  return leaf.readBigInt64BE(POSITION_AT);
}
