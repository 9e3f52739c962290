/** How a rebuild is shown: a line on stderr that is rewritten on a terminal, and on stdout how it ended. */
import type { Pool } from 'pg';
import { eventsPerSecond, readDifferences, type Progress } from '../projections/rebuild/progress.ts';

const DIFFERENCES_SHOWN = 10;

/** Percent, events a second and time left of filling all of them; then what each is at that is filled. */
export function progressLine(progress: readonly Progress[]): string {
  const sum = (of: (each: Progress) => bigint) => progress.reduce((total, each) => total + of(each), 0n);
  const total = sum(({ events }) => events);
  const done = sum(({ eventsDone }) => eventsDone);
  const log = progress.reduce((most, { events }) => (events > most ? events : most), 0n);
  const elapsedMs = Math.max(0, ...progress.map((each) => each.elapsedMs));
  const filling = total === 0n || done === total ? [] : [`${(done * 100n) / total} %`];
  if (filling.length > 0 && done > 0n) {
    filling.push(`${eventsPerSecond((log * done) / total, elapsedMs)} events/s`);
    filling.push(`${(BigInt(elapsedMs) * (total - done)) / done / 1_000n + 1n} s left`);
  }
  const each = progress.map((one) => `${one.projection} ${atWhat(one)}`);
  return [...filling, each.join(', ')].join('  ');
}

const words = {
  building: 'is indexed',
  catching_up: 'catches up',
  following: 'is compared',
  live: 'is live',
  retired: 'was live',
  abandoned: 'failed',
  dropped: 'was compared',
} as const;

function atWhat({ state, parts, partsDone, error }: Progress): string {
  const trouble = error === null ? '' : ` (${error})`;
  const filling = state === 'building' && partsDone < parts;
  return `${filling ? `${partsDone}/${parts}` : words[state]}${trouble}`;
}

export async function printOutcome(pool: Pool, ended: Progress): Promise<void> {
  const { projection, generation, state, elapsedMs, events, error } = ended;
  if (state === 'abandoned') {
    console.log(`${projection}: generation ${generation} could not be built: ${error}`);
    return;
  }
  const became = state === 'dropped' ? 'was built, compared and dropped' : 'is live';
  const speed = events === 0n ? '' : `, ${eventsPerSecond(events, elapsedMs)} events/s`;
  const seconds = (elapsedMs / 1_000).toFixed(1);
  console.log(
    `${projection}: generation ${generation} ${became} after ${seconds} s${speed}; ${compared(ended)}`,
  );
  const differences = await readDifferences(pool, ended, DIFFERENCES_SHOWN);
  for (const { table, key, live, rebuilt } of differences) {
    console.log(`  ${table} ${key}`);
    console.log(`    live    ${live ?? 'has no such row'}`);
    console.log(`    rebuilt ${rebuilt ?? 'has no such row'}`);
  }
}

function compared({ comparedRows, differences }: Progress): string {
  if (comparedRows === null || differences === null)
    return 'not compared, the other one was outdated or stood still';
  if (differences === 0n) return `${comparedRows} rows compared, no difference`;
  const shown = differences > BigInt(DIFFERENCES_SHOWN) ? `, the first ${DIFFERENCES_SHOWN}` : '';
  return `${comparedRows} rows compared, ${differences} differ, saved in read.rebuild_differences${shown}:`;
}
