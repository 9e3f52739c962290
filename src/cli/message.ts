/** How an error is told to who typed the command. */
import { KeyError } from '../access/keys.ts';
import { CheckpointError } from '../audit/sealed/checkpoint.ts';
import { LogContradictionError } from '../audit/sealed/contradiction.ts';
import { KeyFileError } from '../audit/sealed/key-file.ts';
import { ExportError } from '../audit/export/manifest.ts';
import { NoteError } from '../audit/sealed/note.ts';
import { NoDatabaseError } from './command-pool.ts';
import { OutputError } from './output.ts';
import { ConfigError } from '../config.ts';
import { DataDirInUseError } from '../db/embedded/embedded-postgres.ts';
import { isConnectionError, sqlState } from '../db/failures.ts';
import { LedgerError } from '../db/ledgers.ts';
import { NotMigratedError } from '../db/migrate.ts';
import { OpenDoorError } from '../http/loopback.ts';
import { redactor } from '../redacted.ts';

const SAID_IN_A_SENTENCE = [
  ...[
    CheckpointError,
    ConfigError,
    DataDirInUseError,
    ExportError,
    KeyError,
    KeyFileError,
    LedgerError,
    LogContradictionError,
    NoteError,
    NoDatabaseError,
    NotMigratedError,
    OpenDoorError,
    OutputError,
  ],
];

/** What an operator can act on is said in a sentence; anything else is a bug and shows its stack. */
export function messageFor(error: unknown): string {
  return redactor()(told(error));
}

function told(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (SAID_IN_A_SENTENCE.some((kind) => error instanceof kind)) return error.message;
  const code = 'code' in error ? error.code : null;
  if (code === 'EADDRINUSE')
    return `${error.message}\nAnother process listens there. Set PORT to another port (0 takes a free one).`;
  if (code === 'ENOENT') return error.message;
  if (isDatabaseAtFault(error))
    return `The database cannot be used: ${error.message}\nDATABASE_URL, or the file that DATABASE_URL_FILE names, says which one it is and as whom.`;
  return error.stack ?? error.message;
}

/** Away, or there but not for us: no bug of ours. */
function isDatabaseAtFault(error: Error): boolean {
  if (/^(28|3D|53|57)/.test(sqlState(error) ?? '')) return true;
  return isConnectionError(error) || error.message === 'The server does not support SSL connections';
}
