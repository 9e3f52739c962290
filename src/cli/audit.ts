/** coffer audit: what the log is held to, and by whom. */
import { InvalidArgumentError, type Command } from 'commander';
import type { Config } from '../config.ts';
import { runAuditCheck, type CheckOptions } from './audit-check.ts';
import { runNewIncarnation, type NewIncarnationOptions } from './audit-new-incarnation.ts';
import { runAuditExport, type ExportCommandOptions } from './audit-export.ts';
import { runAuditProve } from './audit-prove.ts';
import { runAuditReplay, type ReplayCommandOptions } from './audit-replay.ts';
import { COULD_NOT_RUN } from './audit-report.ts';
import { runAuditVerify, type VerifyCommandOptions } from './audit-verify.ts';
import { ledgerOption, type OfLedger } from './of-ledger.ts';
import { runPublicKey } from './audit-public-key.ts';
import { runRotateKey } from './audit-rotate-key.ts';

/** How an action gets its configuration, and its exit code to the process; `failed` where it throws, or there is no configuration. */
export type Run = <Args extends unknown[]>(
  action: (config: Config, ...args: Args) => Promise<number>,
  failed?: number,
) => (...args: Args) => Promise<void>;

export function addAuditCommands(program: Command, run: Run): void {
  const audit = program.command('audit').description('the log, held to what it promises');
  addVerification(audit, run);
  audit
    .command('prove')
    .argument('<id>', 'of a transaction, or of any other event')
    .addOption(ledgerOption())
    .description(
      'print a proof, as JSON, that an event is in the sealed log; exit code 2 where there is none',
    )
    .action(
      orCouldNotRun(run)((config, id: string, options: OfLedger) => runAuditProve(config, id, options)),
    );
  audit
    .command('check')
    .argument('<file>', 'what `audit prove` has printed')
    .requiredOption('--key <file>', 'the public key of the log: vkeys, one a line, or PEM')
    .description(
      'check a proof, without service or database; exit code 1: it does not hold, 2: it cannot be read',
    )
    .action(
      orCouldNotRun(run)((_config, file: string, options: CheckOptions) => runAuditCheck(file, options)),
    );
  audit
    .command('public-key')
    .addOption(ledgerOption())
    .description('print every public key that ever signed, as vkeys, the one that signs now last')
    .action(orCouldNotRun(run)((config, options: OfLedger) => runPublicKey(config, options)));
  audit
    .command('rotate-key')
    .addOption(ledgerOption())
    .description('sign with a new key from now on; the old private key is destroyed, its public key kept')
    .action(run((config, options: OfLedger) => runRotateKey(config, options)));
  audit
    .command('new-incarnation')
    .addOption(ledgerOption())
    .option('--old <file>', 'the last checkpoint that was signed before; default: the last one known here')
    .description('after a restore from an older backup: seal the log anew, under a name of its own')
    .action(run((config, options: NewIncarnationOptions) => runNewIncarnation(config, options)));
}

function addVerification(audit: Command, run: Run): void {
  audit
    .command('verify')
    .addOption(ledgerOption())
    .option('--json', 'the report as JSON', false)
    .option('--key <file>', 'trust these public keys, vkeys one a line, and not those the database names')
    .option(
      '--checkpoint <file>',
      'a checkpoint you kept, which the log has to agree with; may be repeated',
      collect,
      [],
    )
    .option('--from-checkpoint [file]', 'only what came since a checkpoint: the last one, or that of a file')
    .description('verify the log and all that is derived from it; exit code 1: findings, 2: it could not run')
    .action(orCouldNotRun(run)((config, options: VerifyCommandOptions) => runAuditVerify(config, options)));
  audit
    .command('export')
    .argument('<directory>', 'where to; an export there is gone on with')
    .addOption(ledgerOption())
    .option('--from <position>', 'the first position', position)
    .option('--to <position>', 'the last position', position)
    .description('write the log, its checkpoints, keys and schemas into a directory')
    .action(
      orCouldNotRun(run)((config, directory: string, options: ExportCommandOptions) =>
        runAuditExport(config, directory, options),
      ),
    );
  audit
    .command('replay')
    .argument('<directory>', 'of an export')
    .option('--as-of <position|time>', 'how it was then')
    .option('--out <file>', 'where the balances go; else to stdout')
    .option(
      '--key <file>',
      'trust these public keys, vkeys one a line, and not those that came with the export',
    )
    .option(
      '--checkpoint <file>',
      'a checkpoint you kept, which the export has to agree with; may be repeated',
      collect,
      [],
    )
    .option('--json', 'the report as JSON', false)
    .description(
      'rebuild every balance from an export, without database; exit code 1: findings, 2: it could not run',
    )
    .action(
      orCouldNotRun(run)((_config, directory: string, options: ReplayCommandOptions) =>
        runAuditReplay(directory, options),
      ),
    );
}

/** That something is wrong with the log is one thing, that nobody looked another. */
function orCouldNotRun(run: Run): Run {
  return (action) => run(action, COULD_NOT_RUN);
}

function collect(file: string, files: readonly string[]): string[] {
  return [...files, file];
}

function position(text: string): bigint {
  if (!/^[1-9][0-9]{0,18}$/.test(text))
    throw new InvalidArgumentError('It has to be a position, such as 1234.');
  return BigInt(text);
}
