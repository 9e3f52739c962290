/** Holds the rows of a table against what the log says, both ways. */
import type { CheckName, FindingList } from '../fold/finding.ts';
import type { Heads } from '../fold/heads.ts';
import type { Spool } from './spool.ts';
import type { SpooledTable } from './spooled-table.ts';

export type Comparison = {
  readonly table: SpooledTable;
  readonly heads: Heads;
  /** At which the rows stand. */
  readonly position: bigint;
  /** Whether the heads are all there are, so that what is missing among them should not exist. */
  readonly complete: boolean;
};

/** Resolves to how many rows were compared. */
export async function compareRows(spool: Spool, of: Comparison, findings: FindingList): Promise<number> {
  const { table, heads, position, complete } = of;
  const expected = table.expected(heads);
  const present = new Set<string>();
  let rows = 0;

  function report(key: string, walletId: string | null, wanted: string, found: string): void {
    findings.add({
      ...{ check: checkOf(table), position: position.toString(), walletId },
      ...{ expected: `${table.name} ${key}: ${wanted}`, found },
    });
  }

  await spool.read(table.name, (columns) => {
    const [key, text] = [columns.text(), columns.text()];
    const wanted = expected.find(key);
    if (wanted === undefined && !complete) return;
    rows += 1;
    const walletId = table.ofWallets ? key : null;
    if (wanted !== text) report(key, walletId, wanted ?? 'no row', text);
    // Keys that keep rows apart may have been dropped.
    else if (present.has(key)) report(key, walletId, 'one row', 'another one');
    present.add(key);
  });
  for (const key of expected.keys())
    if (!present.has(key))
      report(key, heads.wallets.has(key) ? key : null, expected.find(key) ?? '', 'no row');
  return rows;
}

function checkOf({ name, projection }: SpooledTable): CheckName {
  if (projection !== null) return 'read_models';
  if (name === 'schedules') return 'schedule_heads';
  if (name === 'holds') return 'hold_heads';
  return name === 'lots' ? 'lot_heads' : 'wallets';
}
