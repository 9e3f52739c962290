/**
 * Figures of many wallets in one array of 64-bit integers: a fold of a long log changes them millions of times, and a BigInt
 * that is kept is an object which the collector has to move about. Exact all the same: what does not fit stands beside.
 */

/** As it is handed from one thread to another. */
export type PackedColumn = {
  readonly values: BigInt64Array;
  /** By place, those that do not fit. */
  readonly large: ReadonlyMap<number, bigint>;
};

export type ExactColumn = {
  /** Null where nothing was set, or null. */
  readonly get: (place: number) => bigint | null;
  /** As get, of a place that is known to have a figure. */
  readonly figure: (place: number) => bigint;
  readonly set: (place: number, value: bigint | null) => void;
  /** The first so many. */
  readonly packed: (count: number) => PackedColumn;
};

/** The lowest two of 64 bits stand for other things. */
const LARGE = -(2n ** 63n);
const NONE = LARGE + 1n;
const MAX = 2n ** 63n - 1n;
const FIRST_PLACES = 1_024;

export function createExactColumn(): ExactColumn {
  let values = new BigInt64Array(FIRST_PLACES).fill(NONE);
  const large = new Map<number, bigint>();

  function makeRoom(place: number): void {
    const wider = new BigInt64Array(2 * Math.max(values.length, place)).fill(NONE);
    wider.set(values);
    values = wider;
  }

  function get(place: number): bigint | null {
    const value = values[place] ?? NONE;
    if (value > NONE) return value;
    return value === NONE ? null : (large.get(place) as bigint);
  }

  return {
    get,
    figure(place) {
      const value = values[place] as bigint;
      return value > NONE ? value : (get(place) ?? 0n);
    },
    set(place, value) {
      if (place >= values.length) makeRoom(place);
      if (value !== null && value > NONE && value <= MAX) values[place] = value;
      else if (value === null) values[place] = NONE;
      else {
        values[place] = LARGE;
        large.set(place, value);
      }
    },
    packed: (count) => ({ values: values.slice(0, count), large }),
  };
}

/** Reads what was handed over. */
export function readColumn({ values, large }: PackedColumn): (place: number) => bigint | null {
  return (place) => {
    const value = values[place] ?? NONE;
    if (value > NONE) return value;
    return value === NONE ? null : (large.get(place) ?? null);
  };
}
