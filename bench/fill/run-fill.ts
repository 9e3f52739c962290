// `npm run bench -- --fill N`: a made-up log where it was asked for, and what it took.

import { resolve } from 'node:path';
import { openEmbeddedPostgres } from '../../src/db/embedded/embedded-postgres.ts';
import { openThrowawayPostgres } from '../../src/db/embedded/throwaway-postgres.ts';
import { fillLedger } from './fill-ledger.ts';
import type { FillOrder } from './fill-order.ts';

export type FillRun = {
  readonly order: FillOrder;
  readonly log: (line: string) => void;
  /** Ends what was started, however the run ends. */
  readonly cleanup: AsyncDisposableStack;
};

/** Rejects with LedgerNotEmptyError where something has happened already. */
export async function runFill(run: FillRun): Promise<void> {
  const { order, log } = run;
  const { keepDir, databaseUrl, ...options } = order;
  const url = databaseUrl ?? (await openEmbedded(run));
  await fillLedger({ ...options, url, log });
  if (databaseUrl !== null) log('filled: the database that BENCH_DATABASE_URL names');
  else if (keepDir !== null) log(`filled: COFFER_DATA_DIR=${resolve(keepDir)} npm start serves it`);
  else log('the server and its log are thrown away; --keep DIR keeps them');
}

async function openEmbedded({ order, log, cleanup }: FillRun): Promise<string> {
  const { keepDir } = order;
  const opening =
    keepDir === null
      ? openThrowawayPostgres({ log })
      : openEmbeddedPostgres({ dataDir: keepDir, mode: 'serve', log });
  // Deferred before it is open: the run may be ended meanwhile.
  cleanup.defer(async () => {
    const opened = await opening.catch(() => undefined);
    await opened?.close();
  });
  // The embedded server speaks no TLS: a PGSSLMODE in the environment is not meant for it.
  return `${(await opening).url}?sslmode=disable`;
}
