/**
 * The stored nodes of the tree: all that were sealed are there, and those of the upper levels are the roots of those below. Whether the
 * lowest ones are those of the events is held against them range by range.
 */
import type { Pool } from 'pg';
import type { FindingList } from '../fold/finding.ts';
import { createTreeBuilder, TIER_LEVELS, type StoredNode } from '../tree/tree-builder.ts';
import { BLOCK_LEAVES, BLOCK_LEVEL } from '../tree/block-hashes.ts';
import type { SealedIncarnation } from './incarnation-check.ts';

const PAGE = 10_000;

/** Nodes never change once they are sealed, so they need not be read in the snapshot. */
export async function checkNodes(
  pool: Pool,
  ledgerId: number,
  { incarnations, head }: { incarnations: readonly SealedIncarnation[]; head: bigint },
  findings: FindingList,
): Promise<void> {
  for (const { sealed, ...of } of incarnations) {
    // That more was sealed than there is, is said elsewhere.
    const size = sealed < head ? sealed : head;
    const check = { pool, ledgerId, incarnation: of.number, findings };
    const upper = await checkBlocks(check, size / BLOCK_LEAVES);
    for (let level = 2 * BLOCK_LEVEL; upper !== null && size >> BigInt(level) > 0n; level += TIER_LEVELS)
      await checkUpper(
        check,
        level,
        upper.filter((node) => node.level === level),
      );
    if (of.blocks > sealed / BLOCK_LEAVES)
      findings.add({
        ...{ check: 'checkpoints', position: null, walletId: null },
        expected: `a checkpoint of ${of.origin} with ${of.blocks * BLOCK_LEAVES} events or more, since it has nodes for them`,
        found: `the last one has ${sealed}`,
      });
  }
}

type NodeCheck = {
  readonly pool: Pool;
  readonly ledgerId: number;
  readonly incarnation: number;
  readonly findings: FindingList;
};

/** Resolves to the nodes that there should be above the blocks; null where blocks are missing, so that nobody can say. */
async function checkBlocks(check: NodeCheck, count: bigint): Promise<StoredNode[] | null> {
  const upper: StoredNode[] = [];
  // What the tree calls a leaf is a block here.
  const builder = createTreeBuilder([], (node) => upper.push({ ...node, level: node.level + BLOCK_LEVEL }));
  let next = 0n;
  let whole = true;
  await eachNode(check, BLOCK_LEVEL, count, ({ index, hash }) => {
    if (index > next) missing(check, BLOCK_LEVEL, next, index);
    whole &&= index === next;
    if (whole) builder.append(hash);
    next = index + 1n;
  });
  if (next < count) missing(check, BLOCK_LEVEL, next, count);
  return whole && next === count ? upper : null;
}

async function checkUpper(check: NodeCheck, level: number, expected: readonly StoredNode[]): Promise<void> {
  let next = 0n;
  await eachNode(check, level, BigInt(expected.length), ({ index, hash }) => {
    if (index > next) missing(check, level, next, index);
    next = index + 1n;
    const wanted = expected[Number(index)]?.hash;
    if (wanted === undefined || wanted.equals(hash)) return;
    report(check, level, index, `node ${index} of level ${level} ${wanted.toString('base64')}`, hash);
  });
  if (next < BigInt(expected.length)) missing(check, level, next, BigInt(expected.length));
}

function missing(check: NodeCheck, level: number, from: bigint, to: bigint): void {
  const nodes = from + 1n === to ? `node ${from}` : `nodes ${from} to ${to - 1n}`;
  report(check, level, from, `${nodes} of level ${level} of the sealed tree`, null);
}

function report(
  { findings }: NodeCheck,
  level: number,
  index: bigint,
  expected: string,
  found: Buffer | null,
): void {
  const position = ((index << BigInt(level)) + 1n).toString();
  const place = { position, walletId: null };
  findings.add({ check: 'sealed', ...place, expected, found: found?.toString('base64') ?? 'missing' });
}

async function eachNode(
  { pool, ledgerId, incarnation }: NodeCheck,
  level: number,
  count: bigint,
  onNode: (node: { index: bigint; hash: Buffer }) => void,
): Promise<void> {
  let after = -1n;
  for (;;) {
    const { rows } = await pool.query<{ index: bigint; hash: Buffer }>({
      name: 'audit-check-nodes',
      text: `
select index, hash
  from audit_nodes
 where ledger_id = $1::integer
   and incarnation = $2::integer
   and level = $3::smallint
   and index > $4::bigint
   and index < $5::bigint
 order by index
 limit ${PAGE}`,
      values: [ledgerId, incarnation, level, after, count],
    });
    for (const row of rows) onNode(row);
    const last = rows.at(-1);
    if (last === undefined) return;
    after = last.index;
  }
}
