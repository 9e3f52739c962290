import { rotateKey } from '../audit/sealed/change-signer.ts';
import { ledgerKeyFile } from '../audit/sealed/ledger-key-file.ts';
import type { Config } from '../config.ts';
import { ledgerIdOf } from '../db/ledgers.ts';
import type { OfLedger } from './of-ledger.ts';
import { withCommandPool } from './command-pool.ts';

export function runRotateKey(config: Config, { ledger }: OfLedger): Promise<number> {
  const keyFile = ledgerKeyFile(config.auditKeyFile, ledger);
  return withCommandPool(config, async ({ pool }) => {
    const vkey = await rotateKey(pool, await ledgerIdOf(pool, ledger), keyFile);
    console.log(vkey);
    console.error(`${keyFile} holds the new key; a running worker signs with it from now on.`);
    console.error('Give this public key to everyone who checks proofs or checkpoints.');
    return 0;
  });
}
