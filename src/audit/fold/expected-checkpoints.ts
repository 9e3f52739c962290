/** Checkpoints that a log has to agree with, by the sizes of their trees. */
import type { Checkpoint } from '../sealed/checkpoint.ts';
import { ascending } from './ascending.ts';
import type { PositionRange } from './range-summary.ts';

export type Sealed = { readonly origin: string; readonly size: bigint };

export type ExpectedCheckpoints = {
  readonly expect: (checkpoint: Checkpoint) => void;
  /** Their sizes with from < size <= to, ascending. */
  readonly sizesWithin: (range: PositionRange) => bigint[];
  /** Told the root of the log at such a size, null where it has none. */
  readonly onMark: (size: bigint, root: Buffer | null) => void;
  /** The latest one that the log agrees with. */
  readonly latest: () => Sealed | null;
  readonly count: () => number;
};

/** `latest`: one that is known to be right. */
export function createExpectedCheckpoints(
  report: (size: bigint, expected: string, found: string) => void,
  latest: Sealed | null = null,
): ExpectedCheckpoints {
  const expected = new Map<bigint, Pick<Checkpoint, 'origin' | 'root'>[]>();
  let count = 0;
  return {
    expect({ origin, size, root }) {
      expected.set(size, [...(expected.get(size) ?? []), { origin, root }]);
    },
    sizesWithin: ({ from, to }) =>
      [...expected.keys()].filter((size) => size > from && size <= to).sort(ascending),
    onMark(size, root) {
      for (const { origin, root: signed } of expected.get(size) ?? []) {
        count += 1;
        if (root?.equals(signed)) latest = { origin, size };
        else
          report(
            size,
            `root ${signed.toString('base64')}, as ${origin} signed`,
            root === null ? 'no tree: events before it are missing' : `root ${root.toString('base64')}`,
          );
      }
      expected.delete(size);
    },
    latest: () => latest,
    count: () => count,
  };
}
