/** coffer ledgers: the tenants of a database. */
import type { Command } from 'commander';
import type { Config } from '../config.ts';
import { insertLedger, listLedgers } from '../db/ledgers.ts';
import { inTransaction } from '../db/pool.ts';
import { projections } from '../projections/catalog.ts';
import { openCheckpoints } from '../projections/new-ledger.ts';
import type { Run } from './audit.ts';
import { withMigratedPool } from './command-pool.ts';

export function addLedgerCommands(program: Command, run: Run): void {
  const ledgers = program
    .command('ledgers')
    .description('the tenants: each with users, assets, keys and a log of its own');
  ledgers
    .command('create')
    .argument('<slug>', 'its name: a letter, then up to 62 of a-z, 0-9, _ and -')
    .description('make a ledger; running processes serve it at once, and work for it within a second')
    .action(run((config, slug: string) => createLedger(config, slug)));
  ledgers
    .command('list')
    .description('name them, with the positions of their last events')
    .action(run((config) => showLedgers(config)));
}

function createLedger(config: Config, slug: string): Promise<number> {
  return withMigratedPool(config, async ({ pool }) => {
    await inTransaction(pool, async (tx) =>
      openCheckpoints(tx, (await insertLedger(tx, slug)).id, projections),
    );
    console.log(slug);
    console.error(`Its first key: coffer keys create --ledger ${slug} --name <who> --scopes admin`);
    return 0;
  });
}

function showLedgers(config: Config): Promise<number> {
  return withMigratedPool(config, async ({ pool }) => {
    for (const { slug, headPosition, createdAt } of await listLedgers(pool))
      console.log(`${slug.padEnd(20)} head ${headPosition}  created ${createdAt}`);
    return 0;
  });
}
