/** coffer audit replay: every balance from an export, without database or network. */
import { readFile } from 'node:fs/promises';
import { EXPORT_CHECKS } from '../audit/fold/finding.ts';
import type { WalletHead } from '../audit/fold/heads.ts';
import { replay } from '../audit/export/replay.ts';
import { readKeyFile } from './audit-files.ts';
import { collectAsBatch } from './batch-collector.ts';
import { COULD_NOT_RUN, exitCodeOf, verdictAsJson, verdictAsText } from './audit-report.ts';
import { print, printTo } from './output.ts';
import { createEventsProgress } from './progress-line.ts';

export type ReplayCommandOptions = {
  readonly asOf?: string;
  readonly out?: string;
  readonly key?: string;
  readonly checkpoint: readonly string[];
  readonly json: boolean;
};

export async function runAuditReplay(directory: string, options: ReplayCommandOptions): Promise<number> {
  const asOf = parseAsOf(options.asOf);
  if (asOf === null) {
    console.error(
      `--as-of takes a position, such as 1234, or a time, such as 2026-01-31T00:00:00Z, not ${options.asOf}`,
    );
    return COULD_NOT_RUN;
  }
  collectAsBatch(20);
  const progress = createEventsProgress(process.stderr);
  const { verdict, wallets } = await replay({
    ...{ directory, asOf },
    trusted: options.key === undefined ? [] : await readKeyFile(options.key),
    kept: await Promise.all(options.checkpoint.map((file) => readFile(file, 'utf8'))),
    threads: 'auto',
    onProgress: progress.show,
  });
  progress.end();
  console.error(options.json ? verdictAsJson(verdict) : verdictAsText(verdict, EXPORT_CHECKS));
  if (options.key === undefined && verdict.checkpoint !== null)
    console.error(
      'The keys are those that came with the export: compare them with what you were given (--key FILE).',
    );
  await (options.out === undefined ? print(csv(wallets)) : printTo(options.out, csv(wallets)));
  return exitCodeOf(verdict);
}

/** Null for what is neither. */
function parseAsOf(text: string | undefined): { position: bigint | null; time: string | null } | null {
  if (text === undefined) return { position: null, time: null };
  if (/^[1-9][0-9]{0,18}$/.test(text)) return { position: BigInt(text), time: null };
  const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/.test(text);
  const time = isTime && isDay(text.slice(0, 10)) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? null : { position: null, time: new Date(time).toISOString() };
}

/** Date.parse takes the 30th of February for the 2nd of March. */
function isDay(day: string): boolean {
  const time = Date.parse(`${day}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(day);
}

const LINES_AT_ONCE = 1_000;

function* csv(wallets: readonly WalletHead[]): Generator<string> {
  yield 'walletId,owner,asset,balance,held,position\n';
  for (let at = 0; at < wallets.length; at += LINES_AT_ONCE) {
    const lines = wallets
      .slice(at, at + LINES_AT_ONCE)
      .map(
        (head) =>
          `${[head.walletId, head.owner, head.asset, head.balance, head.held, head.movedPosition].join(',')}\n`,
      );
    yield lines.join('');
  }
}
