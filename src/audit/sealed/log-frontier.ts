/** The tree of the first events of a log, whatever was sealed of it: from the nodes as far as there are any, from the events where not. */
import type { PoolClient } from 'pg';
import { copyRows } from '../rows/copy-rows.ts';
import { leavesQuery } from '../tree/leaf-rows.ts';
import { createCompactRange, leafHash, type Subtree } from '../tree/merkle.ts';
import { readIncarnations, readLastCheckpoint } from './checkpoint-log.ts';
import { LogContradictionError } from './contradiction.ts';
import { readFrontier } from './sealed-tree.ts';

/** Events of one statement. */
const STEP = 65_536n;

/** The complete subtrees that cover them. Rejects with a LogContradictionError where an event is missing. */
export async function readLogFrontier(
  client: PoolClient,
  ledgerId: number,
  size: bigint,
): Promise<readonly Subtree[]> {
  const range = createCompactRange(await nodesBelow(client, ledgerId, size));
  let at = range.size();
  while (at < size) {
    const to = at + STEP < size ? at + STEP : size;
    await copyRows(client, leavesQuery(ledgerId, at, to), (row) =>
      range.append({ level: 0, hash: leafHash(row) }),
    );
    if (range.size() !== to) throw new LogContradictionError(`Events are missing before position ${to}.`);
    at = to;
  }
  return range.subtrees();
}

/** Of the incarnation that has sealed the most of them; none where its nodes are not whole. */
async function nodesBelow(client: PoolClient, ledgerId: number, size: bigint): Promise<readonly Subtree[]> {
  let most = { incarnation: 0, size: 0n };
  for (const { number: incarnation } of await readIncarnations(client, ledgerId)) {
    const sealed = (await readLastCheckpoint(client, ledgerId, incarnation))?.treeSize ?? 0n;
    const usable = sealed < size ? sealed : size;
    if (usable > most.size) most = { incarnation, size: usable };
  }
  try {
    return await readFrontier(client, { ledgerId, incarnation: most.incarnation }, most.size);
  } catch (error) {
    if (error instanceof LogContradictionError) return [];
    throw error;
  }
}
