/** Holds the tree of the log against every checkpoint that was sealed, and against those that somebody kept. */
import type { Pool } from 'pg';
import { readCheckpoints, type StoredCheckpoint } from '../sealed/checkpoint-log.ts';
import { CheckpointError, openCheckpoint, type Checkpoint } from '../sealed/checkpoint.ts';
import type { FindingList } from '../fold/finding.ts';
import type { PositionRange } from '../fold/range-summary.ts';
import type { Snapshot } from './snapshot.ts';

/** Above every incarnation: PostgreSQL's largest integer. */
const MAX_INCARNATION = 2_147_483_647;

export type Sealed = { readonly origin: string; readonly size: bigint };

export type CheckpointCheck = {
  /** Tree sizes of the checkpoints with from < size <= to, ascending. */
  readonly expectWithin: (range: PositionRange) => Promise<bigint[]>;
  /** Told the root of the log at each of those sizes, null where it has none. */
  readonly onMark: (size: bigint, root: Buffer | null) => void;
  readonly latest: () => Sealed | null;
  readonly count: () => number;
};

/** Throws a CheckpointError for a kept checkpoint that none of the keys has signed, or that is not after the start. */
export function createCheckpointCheck(of: {
  readonly pool: Pool;
  readonly ledgerId: number;
  readonly snapshot: Snapshot;
  readonly kept: readonly string[];
  readonly trusted: readonly string[];
  readonly findings: FindingList;
  /** The checkpoint that the verification goes on from. */
  readonly since: Sealed | null;
}): CheckpointCheck {
  const { pool, ledgerId, snapshot, findings } = of;
  const keys = of.trusted.length > 0 ? of.trusted : snapshot.publicKeys;
  const kept = of.kept.map((note) => openCheckpoint(note, keys));
  const expected = new Map<bigint, Checkpoint[]>();
  let latest = of.since;
  let count = 0;

  for (const { size } of kept) {
    if (of.since !== null && size < of.since.size)
      throw new CheckpointError(
        `A kept checkpoint is of ${size} events, before the one to start from with ${of.since.size}: verify from the beginning.`,
      );
    if (size > snapshot.head)
      report(size, `${size} events, as a kept checkpoint says`, `${snapshot.head} events`);
  }

  function report(size: bigint, wanted: string, found: string): void {
    findings.add({
      check: 'checkpoints',
      position: size.toString(),
      walletId: null,
      expected: wanted,
      found,
    });
  }

  function expect(checkpoint: Checkpoint): void {
    const same = expected.get(checkpoint.size) ?? [];
    expected.set(checkpoint.size, [...same, checkpoint]);
  }

  /** Null for one that is not signed as it has to be, or does not say what its row says. */
  function open(stored: StoredCheckpoint): Checkpoint | null {
    try {
      const checkpoint = openCheckpoint(stored.note, keys);
      const agrees =
        checkpoint.size === stored.treeSize &&
        checkpoint.origin === stored.origin &&
        checkpoint.root.equals(stored.rootHash);
      if (agrees) return checkpoint;
      report(
        stored.treeSize,
        `${stored.origin} ${stored.treeSize}`,
        `signed: ${checkpoint.origin} ${checkpoint.size}`,
      );
    } catch (error) {
      if (!(error instanceof CheckpointError)) throw error;
      report(stored.treeSize, 'a signed checkpoint', error.message);
    }
    return null;
  }

  return {
    async expectWithin({ from, to }) {
      for (const checkpoint of kept) if (checkpoint.size > from && checkpoint.size <= to) expect(checkpoint);
      let after = { treeSize: from, incarnation: MAX_INCARNATION };
      for (;;) {
        const page = await readCheckpoints(pool, ledgerId, { upTo: to, after });
        for (const stored of page) {
          const checkpoint = open(stored);
          if (checkpoint !== null) expect(checkpoint);
        }
        const last = page.at(-1);
        if (last === undefined) break;
        after = last;
      }
      return [...expected.keys()]
        .filter((size) => size > from && size <= to)
        .sort((left, right) => (left < right ? -1 : 1));
    },
    onMark(size, root) {
      for (const checkpoint of expected.get(size) ?? []) {
        count += 1;
        if (root !== null && root.equals(checkpoint.root)) latest = { origin: checkpoint.origin, size };
        else {
          const found =
            root === null ? 'no tree: events before it are missing' : `root ${root.toString('base64')}`;
          report(size, `root ${checkpoint.root.toString('base64')}, as ${checkpoint.origin} signed`, found);
        }
      }
      expected.delete(size);
    },
    latest: () => latest,
    count: () => count,
  };
}
