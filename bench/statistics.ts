/** The value below which `percent` of the sorted values lie (nearest rank). NaN of nothing. */
export function percentile(sorted: readonly number[], percent: number): number {
  const rank = Math.max(1, Math.ceil((percent / 100) * sorted.length));
  return sorted[rank - 1] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  const lower = sorted.length % 2 === 0 ? (sorted[middle - 1] ?? Number.NaN) : upper;
  return (lower + upper) / 2;
}

export type Ratio = { median: number; min: number; max: number };

/**
 * Of figures taken in turns: each against its neighbour of the same round, since what disturbs a machine
 * lasts longer than a round and so disturbs both. Undefined without a pair.
 */
export function pairedRatio(parts: readonly number[], wholes: readonly number[]): Ratio | undefined {
  const ratios = parts
    .map((part, round) => part / (wholes[round] ?? Number.NaN))
    .filter((ratio) => !Number.isNaN(ratio));
  if (ratios.length === 0) return undefined;
  return { median: median(ratios), min: Math.min(...ratios), max: Math.max(...ratios) };
}

/**
 * Where the median of what the values were drawn from lies, with this confidence and whatever their distribution: between two of them,
 * by the chance that so many or fewer of so many coins show heads. Undefined of too few values to say so.
 */
export function medianInterval(
  values: readonly number[],
  confidence: number,
): { low: number; high: number } | undefined {
  const sorted = values.toSorted((left, right) => left - right);
  const count = sorted.length;
  let below = 0;
  let chance = 2 ** -count;
  let tail = chance;
  while (2 * tail <= 1 - confidence) {
    below += 1;
    chance *= (count - below + 1) / below;
    tail += chance;
  }
  const [low, high] = [sorted[below - 1], sorted[count - below]];
  return below === 0 || low === undefined || high === undefined ? undefined : { low, high };
}
