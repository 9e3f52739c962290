/** What each incarnation goes on from: a checkpoint that was signed, and that its own checkpoints name. */
import { CheckpointError, openCheckpoint, successionLine, type Checkpoint } from '../sealed/checkpoint.ts';
import type { Keys } from '../sealed/note.ts';

export type SealedIncarnation = {
  readonly number: number;
  readonly origin: string;
  readonly succeeds: string | null;
  /** Size of its last checkpoint, 0 before the first. */
  readonly sealed: bigint;
  /** How many blocks of events it has nodes for. */
  readonly blocks: bigint;
};

type Report = (size: bigint | null, expected: string, found: string) => void;

/** Extensions that the checkpoints of each have to carry, by number; undefined where that cannot be said. */
export function expectedExtensions(
  incarnations: readonly SealedIncarnation[],
  keys: Keys,
  report: Report,
): ReadonlyMap<number, readonly string[] | undefined> {
  const sealed = new Map(incarnations.map((each) => [each.origin, each]));
  return new Map(
    incarnations.map((each) => {
      const { number, origin, succeeds } = each;
      if (succeeds === null) {
        const earlier = incarnations.find((other) => other.number < number && other.sealed > 0n);
        if (earlier !== undefined)
          report(null, `${origin} to name a checkpoint of ${earlier.origin}`, 'it names none');
        return [number, []];
      }
      const named = open(succeeds, keys);
      if (!('size' in named)) {
        report(null, `${origin} to name a signed checkpoint`, named.message);
        return [number, undefined];
      }
      const of = sealed.get(named.origin);
      if (of !== undefined && (of.number >= number || of.sealed > named.size))
        report(
          null,
          `${origin} to name the last checkpoint of one before it`,
          `${named.origin} ${named.size}`,
        );
      return [number, [successionLine(named)]];
    }),
  );
}

function open(note: string, keys: Keys): Checkpoint | CheckpointError {
  try {
    return openCheckpoint(note, keys);
  } catch (error) {
    if (error instanceof CheckpointError) return error;
    throw error;
  }
}
