/**
 * Whether checkpoints are missing that should be there: of the last day all are kept, of the time before those that last
 * (migrations/0013). Each says which were before it.
 */
import type { StoredCheckpoint } from '../sealed/checkpoint-log.ts';

type Report = (size: bigint, expected: string, found: string) => void;

/** Told each stored checkpoint, those of an incarnation in the order of their sizes. `partial`: not from the first one on. */
export function createLinkCheck(
  report: Report,
  { partial }: { partial: boolean },
): (stored: StoredCheckpoint) => void {
  const before = new Map<number, { size: bigint; lasting: bigint }>();
  return ({ incarnation, origin, treeSize, previousSize, lastingSize, isOld }) => {
    const last = before.get(incarnation) ?? (partial ? null : { size: 0n, lasting: 0n });
    before.set(incarnation, { size: treeSize, lasting: lastingSize });
    if (last === null) return;
    const found = last.size === 0n ? 'none before it' : `${last.size} before it`;
    const missed = (size: bigint): void =>
      report(treeSize, `a checkpoint of ${origin} with ${size} events before that with ${treeSize}`, found);
    if (lastingSize !== last.size && lastingSize !== last.lasting) missed(lastingSize);
    else if (previousSize !== last.size && (!isOld || previousSize < last.size)) missed(previousSize);
  };
}
