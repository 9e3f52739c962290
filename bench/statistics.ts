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
