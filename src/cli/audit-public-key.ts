import { readPublicKeys } from '../audit/sealed/checkpoint-log.ts';
import type { Config } from '../config.ts';
import { ledgerIdOf } from '../db/ledgers.ts';
import type { OfLedger } from './of-ledger.ts';
import { withReadingPool } from './command-pool.ts';

export function runPublicKey(config: Config, { ledger }: OfLedger): Promise<number> {
  return withReadingPool(config, async ({ pool }) => {
    const keys = await readPublicKeys(pool, await ledgerIdOf(pool, ledger));
    for (const vkey of keys) console.log(vkey);
    if (keys.length > 0) return 0;
    console.error('There is no key yet: a worker makes it when it starts.');
    return 1;
  });
}
