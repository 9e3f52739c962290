/** What a write side did in the last minute: counted by the second, in a few kilobytes however much that was. */

const SECONDS = 60;
/** Bounds of durations, each 2^(1/4) times the one before: a percentile is at most a fifth too high. */
const SHORTEST_MS = 0.25;
const STEPS_PER_DOUBLING = 4;
/** Up to 18 minutes. */
const STEPS = 88;

type Second = { at: number; batches: number; commands: number; readonly durations: Uint32Array };

export type BatchFigures = {
  readonly perSecond: number;
  readonly commandsPerSecond: number;
  /** Of a batch. */
  readonly meanCommands: number;
  /** Null where there was no batch. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
};

export type RecentBatches = {
  add(batch: { commands: number; durationMs: number }): void;
  /** Of the 60 seconds before this one. */
  figures(): BatchFigures;
};

/** `nowMs`: a clock that never goes back. */
export function createRecentBatches(nowMs: () => number): RecentBatches {
  // One more than are told of: the second under way is only half.
  const seconds = new Map<number, Second>();

  function current(): Second {
    const at = Math.floor(nowMs() / 1_000);
    const slot = at % (SECONDS + 1);
    const found = seconds.get(slot);
    if (found !== undefined && found.at === at) return found;
    const durations = found?.durations.fill(0) ?? new Uint32Array(STEPS);
    const fresh = { at, batches: 0, commands: 0, durations };
    seconds.set(slot, fresh);
    return fresh;
  }

  return {
    add({ commands, durationMs }) {
      const second = current();
      second.batches += 1;
      second.commands += commands;
      const step = Math.ceil(Math.log2(durationMs / SHORTEST_MS) * STEPS_PER_DOUBLING);
      const index = Math.min(STEPS - 1, Math.max(0, step));
      second.durations[index] = (second.durations[index] ?? 0) + 1;
    },
    figures() {
      const now = Math.floor(nowMs() / 1_000);
      const told = [...seconds.values()].filter(({ at }) => at < now && at >= now - SECONDS);
      const batches = told.reduce((sum, second) => sum + second.batches, 0);
      const commands = told.reduce((sum, second) => sum + second.commands, 0);
      return {
        perSecond: rounded(batches / SECONDS),
        commandsPerSecond: rounded(commands / SECONDS),
        meanCommands: rounded(batches === 0 ? 0 : commands / batches),
        p50Ms: percentile(told, batches, 0.5),
        p99Ms: percentile(told, batches, 0.99),
      };
    },
  };
}

function percentile(seconds: readonly Second[], batches: number, share: number): number | null {
  if (batches === 0) return null;
  let left = Math.ceil(batches * share);
  for (let step = 0; step < STEPS; step += 1) {
    for (const { durations } of seconds) left -= durations[step] ?? 0;
    if (left <= 0) return rounded(SHORTEST_MS * 2 ** (step / STEPS_PER_DOUBLING));
  }
  throw new RangeError('more batches were counted than have durations');
}

function rounded(figure: number): number {
  return Math.round(figure * 100) / 100;
}
