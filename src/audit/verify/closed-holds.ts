/** Holds that have ended never change again: their rows are looked up where the log ends them. */
import type { PoolClient } from 'pg';
import type { Hold } from '../../events/catalog.ts';
import type { CheckName } from '../fold/finding.ts';
import type { RangeFold } from '../fold/range-fold.ts';
import { HOLD_COLUMNS, READ_HOLD_COLUMNS, spellHold, spellHoldRow, spellReadHold } from './spooled-rows.ts';

export type ClosedHold = { readonly position: bigint; readonly hold: Hold };

type Rows = {
  readonly table: 'holds' | 'read.holds';
  readonly check: CheckName;
  readonly columns: string;
  readonly spell: (hold: Hold) => string;
};

const WRITTEN: Rows = { table: 'holds', check: 'hold_heads', columns: HOLD_COLUMNS, spell: spellHold };
const READ: Rows = {
  ...{ table: 'read.holds', check: 'read_models' },
  ...{ columns: READ_HOLD_COLUMNS, spell: spellReadHold },
};

/** `holdsUpTo`: the checkpoint of the read model of holds. */
export async function checkClosedHolds(
  client: PoolClient,
  { ledgerId, holdsUpTo }: { ledgerId: number; holdsUpTo: bigint },
  fold: RangeFold,
  closed: readonly ClosedHold[],
): Promise<void> {
  await checkRows(client, ledgerId, fold, { ...WRITTEN, closed });
  const projected = closed.filter(({ position }) => position <= holdsUpTo);
  await checkRows(client, ledgerId, fold, { ...READ, closed: projected });
}

async function checkRows(
  client: PoolClient,
  ledgerId: number,
  fold: RangeFold,
  { table, check, columns, spell, closed }: Rows & { closed: readonly ClosedHold[] },
): Promise<void> {
  if (closed.length === 0) return;
  const { rows } = await client.query<{ id: string; row: (string | null)[] }>({
    name: `audit-closed-${table}`,
    text: `
select wanted.id, h.row
  from unnest($2::uuid[]) as wanted (id)
 cross join lateral (
        select array[${columns}] as row
          from ${table} h
         where h.ledger_id = $1::integer
           and h.id = wanted.id
         limit 1
       ) h`,
    values: [ledgerId, closed.map(({ hold }) => hold.holdId)],
  });
  const found = new Map(rows.map(({ id, row }) => [id, spellHoldRow(row)]));
  for (const { position, hold } of closed) {
    const { holdId, walletId } = hold;
    const [expected, row] = [spell(hold), found.get(holdId) ?? 'no row'];
    if (row !== expected) fold.report(check, { position, walletId }, `${table} ${holdId}: ${expected}`, row);
  }
}
