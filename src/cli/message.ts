/** How an error is told to who typed the command. */
import { CheckpointError } from '../audit/sealed/checkpoint.ts';
import { KeyFileError } from '../audit/sealed/key-file.ts';
import { ExportError } from '../audit/export/manifest.ts';
import { NoteError } from '../audit/sealed/note.ts';
import { ConfigError } from '../config.ts';
import { DataDirInUseError } from '../db/embedded/embedded-postgres.ts';
import { NotMigratedError } from '../db/migrate.ts';

const SAID_IN_A_SENTENCE = [
  ...[
    CheckpointError,
    ConfigError,
    DataDirInUseError,
    ExportError,
    KeyFileError,
    NoteError,
    NotMigratedError,
  ],
];

/** What an operator can act on is said in a sentence; anything else is a bug and shows its stack. */
export function messageFor(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (SAID_IN_A_SENTENCE.some((kind) => error instanceof kind)) return error.message;
  const code = 'code' in error ? error.code : null;
  if (code === 'EADDRINUSE')
    return `${error.message}\nAnother process listens there. Set PORT to another port (0 takes a free one).`;
  if (code === 'ENOENT') return error.message;
  return error.stack ?? error.message;
}
