// Writes batches of top-ups for some seconds, pipelined: the next ones are on their way while one is written. They are made and encoded
// before the clock starts, so that what is timed is PostgreSQL's work alone.

import type { PoolClient, QueryConfig } from 'pg';
import { keyProbeSettings } from '../../src/db/key-probes.ts';
import { ledgerIdOf, MAIN_LEDGER } from '../../src/db/ledgers.ts';
import { createPool } from '../../src/db/pool.ts';
import { headPosition } from '../../src/events/head.ts';
import { percentile } from '../statistics.ts';
import { bareWrite } from './bare-write.ts';
import { createTopUps, readTopUpState } from './top-up-rows.ts';

export type BareLoad = {
  databaseUrl: string;
  users: readonly string[];
  assetSlug: string;
  commands: number;
  seconds: number;
};

export type BareResult = {
  commands: number;
  /** Those of the warm-up too. */
  written: number;
  seconds: number;
  throughput: number;
  /** From one batch's end to the next one's. */
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
  findings: string[];
};

/** Batches on their way at once, the one that is written among them. */
const UNDER_WAY = 4;
const WARM_UP_BATCHES = 20;
/** Some 500 kB each. */
const MAX_BATCHES = 500;

export async function runBareWrites(load: BareLoad): Promise<BareResult> {
  const pool = createPool({
    ...{
      url: load.databaseUrl,
      name: 'bare write',
      max: 1,
      connectTimeoutMs: 5_000,
      statementTimeoutMs: 60_000,
    },
    ...{
      lockTimeoutMs: 5_000,
      idleInTransactionTimeoutMs: 5_000,
      pipeline: true,
      settings: keyProbeSettings,
    },
    onIdleError: () => undefined,
  });
  const client = await pool.connect();
  try {
    const ledgerId = await ledgerIdOf(client, MAIN_LEDGER);
    const topUps = createTopUps(
      await readTopUpState(client, ledgerId, load.assetSlug),
      load.users,
      load.assetSlug,
    );
    let head = await headPosition(client, ledgerId);
    const first = head;
    const made = (count: number): QueryConfig[] =>
      Array.from({ length: count }, () => {
        const query = bareWrite(ledgerId, head, topUps.next(load.commands));
        head += BigInt(load.commands);
        return query;
      });

    const warmUp = await write(client, made(WARM_UP_BATCHES), Number.POSITIVE_INFINITY);
    const perSecond = warmUp.length / ((warmUp.at(-1) ?? Number.NaN) / 1_000);
    // A margin, since a warm server is faster than one that was just started.
    const batches = made(Math.min(MAX_BATCHES, Math.ceil(perSecond * load.seconds * 1.5)));
    const ends = await write(client, batches, load.seconds * 1_000);
    const seconds = (ends.at(-1) ?? Number.NaN) / 1_000;
    const commands = ends.length * load.commands;
    const written = commands + warmUp.length * load.commands;
    const steps = ends
      .map((end, index) => end - (ends[index - 1] ?? 0))
      .toSorted((one, other) => one - other);
    return {
      ...{ commands, written, seconds, throughput: commands / seconds },
      ...{ p50Ms: percentile(steps, 50), p99Ms: percentile(steps, 99), maxMs: percentile(steps, 100) },
      findings: await check(client, ledgerId, { first, written }),
    };
  } finally {
    client.release();
    await pool.end();
  }
}

/** Answers when each batch was written, in milliseconds from the start. */
async function write(
  client: PoolClient,
  batches: readonly QueryConfig[],
  milliseconds: number,
): Promise<number[]> {
  const started = performance.now();
  const ends: number[] = [];
  const underWay: Promise<void>[] = [];
  for (const batch of batches) {
    if (performance.now() - started > milliseconds) break;
    underWay.push(client.query(batch).then(() => void ends.push(performance.now() - started)));
    if (underWay.length >= UNDER_WAY) await underWay.shift();
  }
  await Promise.all(underWay);
  return ends;
}

/** That everything said to be written is there, once, and sums to zero. */
async function check(
  client: PoolClient,
  ledgerId: number,
  { first, written }: { first: bigint; written: number },
): Promise<string[]> {
  const { rows } = await client.query<{
    events: bigint;
    keys: bigint;
    entries: bigint;
    sum: bigint;
    head: bigint;
  }>(
    `
select (select count(*) from events where ledger_id = $1 and position > $2) as events,
       (select count(*) from idempotency_keys where ledger_id = $1 and position > $2) as keys,
       (select count(*) from ledger_entries where ledger_id = $1 and position > $2) as entries,
       (select sum(balance) from wallets where ledger_id = $1) as sum,
       (select head_position - $2 from ledgers where id = $1) as head`,
    [ledgerId, first],
  );
  const expected = { events: written, keys: written, entries: 2 * written, sum: 0, head: written };
  const [found] = rows;
  return Object.entries(expected).flatMap(([what, count]) => {
    const there = Number(found?.[what as keyof typeof expected]);
    return there === count ? [] : [`${what}: ${there}, not ${count}`];
  });
}
