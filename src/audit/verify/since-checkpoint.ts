/** Where a verification of only what came since a checkpoint starts: the tree of the checkpoint, and how every wallet stood there. */
import type { Pool } from 'pg';
import { inSnapshot } from '../../db/pool.ts';
import { FROM_THE_BEGINNING, type ChainStart } from '../fold/chain.ts';
import type { Sealed } from '../fold/expected-checkpoints.ts';
import { CheckpointError, openCheckpoint } from '../sealed/checkpoint.ts';
import {
  readIncarnations,
  readLastCheckpoint,
  readPublicKeys,
  type StoredCheckpoint,
} from '../sealed/checkpoint-log.ts';
import { LogContradictionError } from '../sealed/contradiction.ts';
import type { FindingList } from '../fold/finding.ts';
import { emptyHeads, setWallet } from '../fold/heads.ts';
import { createCompactRange } from '../tree/merkle.ts';
import { openingHead, readOpening } from '../export/opening.ts';
import { readLogFrontier } from '../sealed/log-frontier.ts';

/**
 * The beginning of the log, and a finding, where the log is not the one that was signed. Rejects with a CheckpointError for a checkpoint that is not signed, or where there is none.
 */
export async function startSince(
  pool: Pool,
  of: { ledgerId: number; since: { readonly note: string } | 'latest'; trusted: readonly string[] },
  findings: FindingList,
): Promise<{ start: ChainStart; sealed: Sealed | null }> {
  const { ledgerId, since, trusted } = of;
  const from = since === 'latest' ? await latestOf(pool, ledgerId) : since;
  if (from === null)
    throw new CheckpointError('Nothing is sealed yet: there is no checkpoint to start from.');
  const keys = trusted.length > 0 ? trusted : await readPublicKeys(pool, ledgerId);
  const { size, root, origin } = openCheckpoint(from.note, keys);
  const subtrees = await inSnapshot(pool, (tx) => readLogFrontier(tx, ledgerId, size)).catch(orContradiction);
  const found = subtrees instanceof LogContradictionError ? null : createCompactRange(subtrees).root();
  if (subtrees instanceof LogContradictionError || found?.equals(root) !== true) {
    findings.add({
      ...{ check: 'checkpoints', position: size.toString(), walletId: null },
      expected: `root ${root.toString('base64')}, as ${origin} signed`,
      found:
        subtrees instanceof LogContradictionError ? subtrees.message : `root ${found?.toString('base64')}`,
    });
    // Nothing before it can be relied on.
    return { start: FROM_THE_BEGINNING(), sealed: null };
  }
  const heads = emptyHeads();
  for (const wallet of await readOpening(pool, ledgerId, size)) setWallet(heads, openingHead(wallet));
  return { start: { position: size, heads, subtrees, partial: true }, sealed: { origin, size } };
}

/** Of the latest incarnation that has sealed anything. */
async function latestOf(pool: Pool, ledgerId: number): Promise<StoredCheckpoint | null> {
  for (const { number } of await readIncarnations(pool, ledgerId)) {
    const last = await readLastCheckpoint(pool, ledgerId, number);
    if (last !== null) return last;
  }
  return null;
}

function orContradiction(error: unknown): LogContradictionError {
  if (error instanceof LogContradictionError) return error;
  throw error;
}
