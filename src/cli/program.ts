/** The coffer command. Each subcommand resolves to the exit code of the process. */
import { Command, CommanderError } from 'commander';
import { readConfig, type Config } from '../config.ts';
import { addAuditCommands } from './audit.ts';
import { COULD_NOT_RUN } from './audit-report.ts';
import { addKeyCommands } from './keys.ts';
import { addLedgerCommands } from './ledgers.ts';
import { messageFor } from './message.ts';
import { runMigrate } from './migrate.ts';
import { ledgerOption, type OfLedger } from './of-ledger.ts';
import { listProjections } from './projections.ts';
import {
  pruneProjections,
  rebuildProjections,
  rollbackProjections,
  type PruneOptions,
  type RebuildOptions,
} from './rebuild.ts';

/** All of the service: loading it takes longer than most commands, which need none of it. */
const service = () => import('./service.ts');
const seeding = () => import('./seed.ts');

/** Exit code of a command that nobody can follow. */
const USAGE = 2;
const FAILED = 1;

export async function runCli(argv: readonly string[]): Promise<number> {
  let exitCode = 0;
  const run =
    <Args extends unknown[]>(action: (config: Config, ...args: Args) => Promise<number>, failed = FAILED) =>
    async (...args: Args): Promise<void> => {
      try {
        exitCode = await action(readConfig(), ...args);
      } catch (error) {
        console.error(messageFor(error));
        exitCode = failed;
      }
    };

  const program = new Command('coffer')
    .description('An event-sourced wallet service on PostgreSQL.')
    .exitOverride();
  program
    .command('serve', { isDefault: true })
    .description('database (embedded unless DATABASE_URL is set), migrations, API and worker in one process')
    .action(run(async (config) => (await service()).runService(config, { command: 'serve' })));
  program
    .command('api')
    .description('the HTTP API alone; the database must be migrated')
    .action(run(async (config) => (await service()).runService(config, { command: 'api' })));
  program
    .command('worker')
    .description('the projection worker alone; the database must be migrated')
    .action(run(async (config) => (await service()).runService(config, { command: 'worker' })));
  program.command('migrate').description('bring the database up to date').action(run(runMigrate));
  program
    .command('seed')
    .addOption(ledgerOption())
    .description('write the demo data into an empty ledger')
    .action(run(async (config, options: OfLedger) => (await seeding()).runSeed(config, options)));

  const projections = program.command('projections').description('the read models');
  projections
    .command('list')
    .addOption(ledgerOption())
    .description('how far each has come')
    .action(run((config, options: OfLedger) => listProjections(config, options)));
  projections
    .command('rebuild')
    .argument('[names...]', 'projections to rebuild; all when none is named')
    .option(
      '--dry-run',
      'build and compare, then drop what was built; exit code 1 tells of differences',
      false,
    )
    .description('build the next generation beside the live one, compare the two, and swap them')
    .action(
      run(
        (config, names: string[], options: RebuildOptions) => rebuildProjections(config, names, options),
        COULD_NOT_RUN,
      ),
    );
  projections
    .command('rollback')
    .argument('[names...]', 'projections to take back; all when none is named')
    .description('catch up the generation that was live before, and swap it in')
    .action(run((config, names: string[]) => rollbackProjections(config, names), COULD_NOT_RUN));
  projections
    .command('prune')
    .argument('[names...]', 'projections to clean up; all when none is named')
    .option('--under-way', 'those that are being rebuilt as well: this ends their rebuild', false)
    .description('drop generations that are retired or were given up')
    .action(
      run(
        (config, names: string[], options: PruneOptions) => pruneProjections(config, names, options),
        COULD_NOT_RUN,
      ),
    );

  addAuditCommands(program, run);
  addKeyCommands(program, run);
  addLedgerCommands(program, run);

  try {
    await program.parseAsync(argv);
    return exitCode;
  } catch (error) {
    // It has been said already: help, or what is wrong with the words of the command.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE;
    console.error(messageFor(error));
    return FAILED;
  }
}
