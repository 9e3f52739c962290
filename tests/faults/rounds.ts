/** How often each fault strikes: a few times in `npm test`, 20 times in `npm run faults`. */

const ROUNDS = Number(process.env['FAULT_ROUNDS'] ?? '2');

/** 1, 2, 3, ... for names of tests and for `for` loops. */
export const rounds: readonly number[] = Array.from({ length: ROUNDS }, (_, index) => index + 1);

/** Half as many, of what takes long. */
export const fewerRounds: readonly number[] = rounds.slice(0, Math.ceil(ROUNDS / 2));

/** All of them when every fault strikes often, else one in so many. */
export function sampleOf<Item>(items: readonly Item[], every: number): readonly Item[] {
  return ROUNDS >= 20 ? items : items.filter((_, index) => index % every === 0);
}
