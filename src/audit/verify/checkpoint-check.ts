/** Holds the tree of the log against every checkpoint that was sealed, and against those that somebody kept. */
import type { Pool } from 'pg';
import { readCheckpoints, type StoredCheckpoint } from '../sealed/checkpoint-log.ts';
import { CheckpointError, openCheckpoint, type Checkpoint } from '../sealed/checkpoint.ts';
import { NoteError, parseVkey, type VerifierKey } from '../sealed/note.ts';
import { createExpectedCheckpoints, type Sealed } from '../fold/expected-checkpoints.ts';
import type { FindingList } from '../fold/finding.ts';
import type { PositionRange } from '../fold/range-summary.ts';
import { createLinkCheck } from './checkpoint-links.ts';
import { expectedExtensions } from './incarnation-check.ts';
import type { Snapshot } from './snapshot.ts';

/** Above every incarnation: PostgreSQL's largest integer. */
const MAX_INCARNATION = 2_147_483_647;

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
  const keys = parsedKeys(of.trusted.length > 0 ? of.trusted : snapshot.publicKeys, report);
  const extensions = expectedExtensions(snapshot.incarnations, keys, report);
  const origins = new Map(snapshot.incarnations.map(({ number, origin }) => [number, origin]));
  const newest = Math.max(0, ...origins.keys());
  const checkLinks = createLinkCheck(report, { partial: of.since !== null });
  const kept = of.kept.map((note) => openCheckpoint(note, keys));
  const { expect, sizesWithin, ...expected } = createExpectedCheckpoints(report, of.since);

  for (const { size } of kept) {
    if (of.since !== null && size < of.since.size)
      throw new CheckpointError(
        `A kept checkpoint is of ${size} events, before the one to start from with ${of.since.size}: verify from the beginning.`,
      );
    if (size > snapshot.head)
      report(size, `${size} events, as a kept checkpoint says`, `${snapshot.head} events`);
  }

  function report(size: bigint | null, wanted: string, found: string): void {
    const place = { position: size?.toString() ?? null, walletId: null };
    findings.add({ check: 'checkpoints', ...place, expected: wanted, found });
  }

  /** Null for one that is not signed as it has to be, or does not say what its row and its incarnation say. */
  function open(stored: StoredCheckpoint): Checkpoint | null {
    const { treeSize, origin, incarnation, rootHash, note } = stored;
    try {
      const checkpoint = openCheckpoint(note, keys);
      const agrees =
        checkpoint.size === treeSize && checkpoint.origin === origin && checkpoint.root.equals(rootHash);
      if (!agrees)
        report(treeSize, `${origin} ${treeSize}`, `signed: ${checkpoint.origin} ${checkpoint.size}`);
      // One that is newer than the snapshot is not known yet.
      if (incarnation <= newest && origins.get(incarnation) !== origin)
        report(treeSize, `a checkpoint of ${origins.get(incarnation) ?? 'no incarnation'}`, origin);
      const [wanted, named] = [extensions.get(incarnation), checkpoint.extensions.join()];
      if (wanted !== undefined && wanted.join() !== named)
        report(
          treeSize,
          `a checkpoint that says: ${wanted.join() || 'nothing of others'}`,
          named || 'nothing',
        );
      return agrees ? checkpoint : null;
    } catch (error) {
      if (!(error instanceof CheckpointError)) throw error;
      report(treeSize, 'a signed checkpoint', error.message);
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
          checkLinks(stored);
          const checkpoint = open(stored);
          if (checkpoint !== null) expect(checkpoint);
        }
        const last = page.at(-1);
        if (last === undefined) break;
        after = last;
      }
      return sizesWithin({ from, to });
    },
    ...expected,
  };
}

/** One that is none opens nothing. */
function parsedKeys(
  vkeys: readonly string[],
  report: (size: null, expected: string, found: string) => void,
): VerifierKey[] {
  return vkeys.flatMap((vkey) => {
    try {
      return [parseVkey(vkey)];
    } catch (error) {
      if (!(error instanceof NoteError)) throw error;
      report(null, 'a public key', error.message);
      return [];
    }
  });
}
