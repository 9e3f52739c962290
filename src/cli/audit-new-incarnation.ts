import { readFile } from 'node:fs/promises';
import { beginIncarnation } from '../audit/sealed/change-signer.ts';
import { ledgerKeyFile } from '../audit/sealed/ledger-key-file.ts';
import type { Config } from '../config.ts';
import { ledgerIdOf } from '../db/ledgers.ts';
import type { OfLedger } from './of-ledger.ts';
import { withCommandPool } from './command-pool.ts';

export type NewIncarnationOptions = OfLedger & { readonly old?: string };

export function runNewIncarnation(config: Config, options: NewIncarnationOptions): Promise<number> {
  return withCommandPool(config, async ({ pool }) => {
    const old = options.old === undefined ? null : await readFile(options.old, 'utf8');
    const ledgerId = await ledgerIdOf(pool, options.ledger);
    const keyFile = ledgerKeyFile(config.auditKeyFile, options.ledger);
    const begun = await beginIncarnation(pool, ledgerId, keyFile, old);
    const { origin, vkey, succeeds, putAside } = begun;
    console.log(vkey);
    console.error(`The log is now ${origin}.`);
    if (succeeds === null) console.error('It names no earlier checkpoint: none was ever signed.');
    else console.error(`Its checkpoints name that of ${succeeds.origin} with ${succeeds.size} events.`);
    if (putAside !== null)
      console.error(
        `The checkpoint beside the key is signed with no key at hand, so it is not named. It is in ${putAside} now.`,
      );
    console.error('Give this public key to everyone who checks proofs or checkpoints.');
    return 0;
  });
}
