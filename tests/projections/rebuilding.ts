/** Rebuilds step by step, in the test's own process and without jobs. */
import { pino } from 'pino';
import { projections as catalog } from '../../src/projections/catalog.ts';
import type { Projection } from '../../src/projections/projection.ts';
import { readProgress, type Progress } from '../../src/projections/rebuild/progress.ts';
import { requestRebuild, type Requested } from '../../src/projections/rebuild/request.ts';
import { takeStep, type Step } from '../../src/projections/rebuild/step.ts';
import { until } from '../support/until.ts';
import { writeRandomLog } from './random-log.ts';
import { openReadSide, type ReadSide, type Row } from './read-side.ts';

const log = pino({ level: 'silent' });

/** A log of every kind of event, projected range by range, and what its read models show: rebuilds must show the same. */
export async function openProjectedLog(): Promise<{
  side: ReadSide;
  incremental: ReadonlyMap<string, Row[][]>;
}> {
  const side = await openReadSide();
  try {
    for (const seed of [11, 12]) {
      await writeRandomLog(side, { seed, histories: 7 });
      for (const projection of catalog) await side.catchUp(projection);
    }
    const incremental = new Map<string, Row[][]>();
    for (const projection of catalog) incremental.set(projection.name, await seen(side, projection));
    return { side, incremental };
  } catch (error) {
    await side.close();
    throw error;
  }
}

/** One step of a program with these projections. */
export function step(side: ReadSide, projections: readonly Projection[] = catalog): Promise<Step> {
  return takeStep({ pool: side.pool, projections, log });
}

export async function stepUntilIdle(
  side: ReadSide,
  projections: readonly Projection[] = catalog,
): Promise<void> {
  await until('nothing is left to do', async () => (await step(side, projections)) === 'idle');
}

/** From the request to the end; resolves to how each ended. */
export async function rebuild(
  side: ReadSide,
  projections: readonly Projection[],
  options: { dryRun?: boolean; partEvents?: bigint } = {},
): Promise<Progress[]> {
  const requested = await requestRebuild(side.pool, projections, {
    dryRun: false,
    partEvents: 40n,
    ...options,
  });
  await stepUntilIdle(side, projections);
  return outcomes(side, requested);
}

export function outcomes(
  side: ReadSide,
  requested: readonly Pick<Requested, 'projection' | 'generation'>[],
): Promise<Progress[]> {
  return readProgress(side.pool, side.ledgerId, requested);
}

/** What queries see: all rows of the views, in the order of their keys. */
export async function seen(side: ReadSide, projection: Projection): Promise<Row[][]> {
  const tables: Row[][] = [];
  for (const base of projection.tables)
    tables.push(await side.rows(`select * from read.${base} t where ledger_id = $1 order by t`));
  return tables;
}

export async function liveGeneration(side: ReadSide, projection: Projection): Promise<number> {
  const sql = `select generation from read.generations g
    where projection = $2 and state = 'live'
      and exists (select from read.checkpoints c where c.ledger_id = $1 and c.generation = g.generation and c.live)`;
  return (await side.rows(sql, [projection.name]))[0]!['generation'];
}

/** Tables in schema read that belong to a generation of it. */
export async function generationTables(side: ReadSide, projection: Projection): Promise<string[]> {
  const rows = await side.rows(
    `select tablename as name from pg_tables, unnest($2::text[]) as base
      where schemaname = 'read' and tablename ~ ('^' || base || '_[1-9][0-9]*$') and $1::integer > 0 order by 1`,
    [projection.tables],
  );
  return rows.map(({ name }) => name);
}
