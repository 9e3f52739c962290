import { closeSync, fstatSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';

const maxLogBytes = 1024 * 1024;

export type ServerLog = {
  path: string;
  fd: number;
  close(): void;
  /** What was written since the log was opened; at most the last 2,000 characters. */
  newLines(): string;
};

/**
 * Opens the server's log in the data directory for appending. One that has grown beyond 1 MiB is kept as
 * postgres.log.1, in place of an older one, so what led to a crash can still be read after the restart.
 */
export function openServerLog(dataDir: string): ServerLog {
  const path = join(dataDir, 'postgres.log');
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > maxLogBytes) renameSync(path, `${path}.1`);
  const fd = openSync(path, 'a', 0o600);
  const startBytes = fstatSync(fd).size;
  return {
    path,
    fd,
    close: () => closeSync(fd),
    newLines: () => readFileSync(path).subarray(startBytes).toString('utf8').slice(-2000).trim(),
  };
}
