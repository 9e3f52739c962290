// What `--fill` was asked for.

import { DEFAULT_SEED } from './fill-ledger.ts';

export const MAX_EVENTS = 10_000_000;
const MAX_SEED = 2 ** 32 - 1;

export type FillOrder = {
  readonly events: number;
  readonly seed: number;
  readonly randomKeys: boolean;
  readonly fillOnly: boolean;
  readonly busyPercent: number;
  /** A data directory to be kept. */
  readonly keepDir: string | null;
  /** Never DATABASE_URL, which names the ledger of a service. */
  readonly databaseUrl: string | null;
};

type Given = {
  readonly fill?: string | undefined;
  readonly keep?: string | undefined;
  readonly seed?: string | undefined;
  readonly 'random-keys'?: boolean | undefined;
  readonly 'fill-only'?: boolean | undefined;
  readonly busy?: string | undefined;
};

/** Null when it was not asked for. Throws on what can't be understood, or is of no use without it. */
export function readFillOrder(given: Given): FillOrder | null {
  if (given.fill === undefined) {
    for (const option of ['keep', 'seed', 'random-keys', 'fill-only', 'busy'] as const)
      if (given[option] !== undefined) throw new Error(`--${option} goes with --fill`);
    return null;
  }
  if (given.keep === '') throw new Error('--keep takes a directory');
  const databaseUrl = process.env['BENCH_DATABASE_URL'] || null;
  if (databaseUrl !== null && given.keep !== undefined)
    throw new Error('--keep and BENCH_DATABASE_URL name two places to fill');
  return {
    events: whole('--fill', given.fill, { least: 1, most: MAX_EVENTS }),
    seed: given.seed === undefined ? DEFAULT_SEED : whole('--seed', given.seed, { least: 0, most: MAX_SEED }),
    randomKeys: given['random-keys'] ?? false,
    fillOnly: given['fill-only'] ?? false,
    busyPercent: given.busy === undefined ? 0 : whole('--busy', given.busy, { least: 0, most: 90 }),
    keepDir: given.keep ?? null,
    databaseUrl,
  };
}

function whole(option: string, text: string, { least, most }: { least: number; most: number }): number {
  const value = /^(?:0|[1-9][0-9]{0,9})$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new Error(`${option} takes a whole number from ${least} to ${most}, not "${text}"`);
}
