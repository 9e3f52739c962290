/** The coffer command. Each subcommand resolves to the exit code of the process. */
import { Command } from 'commander';
import { ConfigError, readConfig, type Config } from '../config.ts';
import { DataDirInUseError } from '../db/embedded/embedded-postgres.ts';
import { NotMigratedError } from '../db/migrate.ts';
import { runMigrate } from './migrate.ts';
import { listProjections, rebuildProjections } from './projections.ts';
import { runSeed } from './seed.ts';
import { runService } from './service.ts';

export async function runCli(argv: readonly string[]): Promise<number> {
  let exitCode = 0;
  const run =
    <Args extends unknown[]>(action: (config: Config, ...args: Args) => Promise<number>) =>
    async (...args: Args): Promise<void> => {
      exitCode = await action(readConfig(), ...args);
    };

  const program = new Command('coffer').description('An event-sourced wallet service on PostgreSQL.');
  program
    .command('serve', { isDefault: true })
    .description('database (embedded unless DATABASE_URL is set), migrations, API and worker in one process')
    .action(run((config) => runService(config, { command: 'serve' })));
  program
    .command('api')
    .description('the HTTP API alone; the database must be migrated')
    .action(run((config) => runService(config, { command: 'api' })));
  program
    .command('worker')
    .description('the projection worker alone; the database must be migrated')
    .action(run((config) => runService(config, { command: 'worker' })));
  program.command('migrate').description('bring the database up to date').action(run(runMigrate));
  program.command('seed').description('write the demo data into an empty ledger').action(run(runSeed));

  const projections = program.command('projections').description('the read models');
  projections.command('list').description('how far each has come').action(run(listProjections));
  projections
    .command('rebuild')
    .argument('[names...]', 'projections to rebuild; all when none is named')
    .description('fold read models again from the first event')
    .action(run((config, names: string[]) => rebuildProjections(config, names)));

  try {
    await program.parseAsync(argv);
    return exitCode;
  } catch (error) {
    console.error(messageFor(error));
    return 1;
  }
}

/** What an operator can act on is said in a sentence; anything else is a bug and shows its stack. */
function messageFor(error: unknown): string {
  if (
    error instanceof ConfigError ||
    error instanceof DataDirInUseError ||
    error instanceof NotMigratedError
  ) {
    return error.message;
  }
  if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
    return `${error.message}\nAnother process listens there. Set PORT to another port (0 takes a free one).`;
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
