import { rotateKey } from '../audit/sealed/change-signer.ts';
import type { Config } from '../config.ts';
import { ledgerIdOf } from '../db/ledgers.ts';
import { withCommandPool } from './command-pool.ts';

export function runRotateKey(config: Config): Promise<number> {
  return withCommandPool(config, async ({ pool }) => {
    const vkey = await rotateKey(pool, await ledgerIdOf(pool, 'main'), config.auditKeyFile);
    console.log(vkey);
    console.error(`${config.auditKeyFile} holds the new key; a running worker signs with it from now on.`);
    console.error('Give this public key to everyone who checks proofs or checkpoints.');
    return 0;
  });
}
