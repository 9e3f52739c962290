// What PostgreSQL alone could write of the rows that top-ups lead to: from one client, in batches, with nobody else at work.

import { askProcess } from '../child-process.ts';
import { withClient } from '../postgres/client.ts';
import { waitUntilQuiet } from '../postgres/quiet.ts';
import { readWal, walSince } from '../postgres/wal.ts';
import type { Contender } from '../scenarios/alternate.ts';
import { NO_FIGURES, type Bench } from '../scenarios/scenario.ts';
import { startCoffer } from '../systems/coffer.ts';
import type { BareLoad, BareResult } from './bare-write-run.ts';

export const BARE_WRITE = 'bare SQL batch write';

const RECEIVING_USERS = 1_000;

/** In a database of its own, which the service itself has prepared and left. */
export async function prepareBareWriter(bench: Bench, commands: number): Promise<Contender> {
  const databaseUrl = await (await bench.server()).createDatabase('bare');
  const ends: (() => Promise<void>)[] = [];
  const preparing = startCoffer({
    databaseUrl,
    userCount: Math.min(RECEIVING_USERS, bench.options.userCount),
    defer: (end) => void ends.push(end),
  });
  let ended = false;
  async function end(): Promise<void> {
    if (ended) return;
    ended = true;
    for (const stop of ends) await stop();
  }
  bench.defer(end);
  const { users, assetSlug } = await preparing;
  await end();
  // Without statistics the planner looks through all wallets for each that changes: no limit worth the name.
  await withClient(databaseUrl, async (client) => void (await client.query('vacuum (analyze)')));
  return {
    name: BARE_WRITE,
    async measure() {
      const { seconds } = bench.options;
      const load: BareLoad = { databaseUrl, users, assetSlug, commands, seconds };
      await waitUntilQuiet(databaseUrl);
      const before = await readWal(databaseUrl);
      const result = await askProcess<BareResult>(new URL('./bare-write-process.ts', import.meta.url), load);
      const wal = walSince(before, await readWal(databaseUrl));
      for (const finding of result.findings) bench.fail(`${BARE_WRITE}: ${finding}`);
      const { throughput, p50Ms, p99Ms, maxMs } = result;
      return {
        ...NO_FIGURES,
        ...{ throughput, p50Ms, p99Ms, maxMs, batchCommands: commands },
        // Of the warm-up too, which writes the same.
        walBytesPerCommand: wal.bytes / result.written,
      };
    },
  };
}
