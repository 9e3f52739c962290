/** coffer audit prove: a proof that holds without us. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { InclusionDocument } from '../audit/sealed/proof-document.ts';
import { readRefusal } from '../audit/sealed/refusals.ts';
import { createAuditQueries } from '../audit/sealed/prove.ts';
import type { Config } from '../config.ts';
import { ledgerIdOf } from '../db/ledgers.ts';
import { OperationalError, RefusedError } from '../errors.ts';
import { readEventsById } from '../events/read.ts';
import type { OfLedger } from './of-ledger.ts';
import { print } from './output.ts';
import { withReadingPool } from './command-pool.ts';

const NO_PROOF = 2;
/** An event is sealed within two seconds where a worker runs. */
const WAIT_MS = 8_000;
const RETRY_MS = 200;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function runAuditProve(config: Config, id: string, { ledger }: OfLedger): Promise<number> {
  return withReadingPool(config, async ({ pool }) => {
    const ledgerId = await ledgerIdOf(pool, ledger);
    const [event] = UUID.test(id) ? await readEventsById(pool, ledgerId, [id.toLowerCase()]) : [];
    if (event === undefined) {
      console.error(`There is no transaction and no other event ${id}.`);
      return NO_PROOF;
    }
    try {
      const proof = await proveOnceSealed(pool, ledgerId, event.position);
      await print([`${JSON.stringify(proof, null, 2)}\n`]);
      return 0;
    } catch (error) {
      if (!(error instanceof OperationalError || error instanceof RefusedError)) throw error;
      console.error(`No proof of the event at position ${event.position}. ${error.message}`);
      if (error instanceof OperationalError)
        console.error((await readRefusal(pool, ledgerId)) ?? 'Does a worker run, with the key of the log?');
      return NO_PROOF;
    }
  });
}

async function proveOnceSealed(pool: Pool, ledgerId: number, position: bigint): Promise<InclusionDocument> {
  const { inclusion } = createAuditQueries(pool, ledgerId);
  const until = performance.now() + WAIT_MS;
  for (;;) {
    try {
      return await inclusion({ position, treeSize: undefined });
    } catch (error) {
      const unsealed = error instanceof OperationalError && error.code === 'not_sealed_yet';
      if (!unsealed || performance.now() > until) throw error;
    }
    await delay(RETRY_MS);
  }
}
