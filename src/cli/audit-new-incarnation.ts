import { readFile } from 'node:fs/promises';
import { beginIncarnation } from '../audit/sealed/change-signer.ts';
import { readLastSignedNote } from '../audit/sealed/last-signed.ts';
import type { Config } from '../config.ts';
import { ledgerIdOf } from '../db/ledgers.ts';
import { withCommandPool } from './command-pool.ts';

export type NewIncarnationOptions = { readonly old?: string };

export function runNewIncarnation(config: Config, options: NewIncarnationOptions): Promise<number> {
  return withCommandPool(config, async ({ pool }) => {
    const { auditKeyFile: keyFile } = config;
    const note =
      options.old === undefined ? await readLastSignedNote(keyFile) : await readFile(options.old, 'utf8');
    const ledgerId = await ledgerIdOf(pool, 'main');
    const kept = options.old === undefined ? { note, insist: false } : { note, insist: true };
    const { origin, vkey, succeeds } = await beginIncarnation(pool, ledgerId, keyFile, kept);
    console.log(vkey);
    console.error(`The log is now ${origin}.`);
    if (succeeds === null) console.error('It names no earlier checkpoint: none was ever signed.');
    else console.error(`Its checkpoints name that of ${succeeds.origin} with ${succeeds.size} events.`);
    console.error('Give this public key to everyone who checks proofs or checkpoints.');
    return 0;
  });
}
