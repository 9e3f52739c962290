/** coffer audit verify: the whole log, and all that is derived from it, held to what they have to be. */
import { readFile } from 'node:fs/promises';
import { ALL_CHECKS, SINCE_CHECKS } from '../audit/fold/finding.ts';
import { verify } from '../audit/verify/verify.ts';
import type { Config } from '../config.ts';
import { ledgerIdOf } from '../db/ledgers.ts';
import { collectAsBatch } from './batch-collector.ts';
import { exitCodeOf, verdictAsJson, verdictAsText } from './audit-report.ts';
import { readKeyFile } from './audit-files.ts';
import type { OfLedger } from './of-ledger.ts';
import { withReadingPool } from './command-pool.ts';
import { print } from './output.ts';
import { createEventsProgress } from './progress-line.ts';

export type VerifyCommandOptions = OfLedger & {
  readonly json: boolean;
  readonly key?: string;
  readonly checkpoint: readonly string[];
  readonly fromCheckpoint?: string | true;
};

export function runAuditVerify(config: Config, options: VerifyCommandOptions): Promise<number> {
  collectAsBatch(30);
  return withReadingPool(config, async ({ url, pool }) => {
    const progress = createEventsProgress(process.stderr);
    const verdict = await verify({
      url,
      ledgerId: await ledgerIdOf(pool, options.ledger),
      threads: 'auto',
      kept: await Promise.all(options.checkpoint.map((file) => readFile(file, 'utf8'))),
      trusted: options.key === undefined ? [] : await readKeyFile(options.key),
      since: await sinceOf(options.fromCheckpoint),
      onProgress: progress.show,
    });
    progress.end();
    const report = options.json
      ? verdictAsJson(verdict)
      : verdictAsText(verdict, verdict.from === 1n ? ALL_CHECKS : SINCE_CHECKS);
    await print([`${report}\n`]);
    return exitCodeOf(verdict);
  });
}

async function sinceOf(option: string | true | undefined): Promise<{ note: string } | 'latest' | null> {
  if (option === undefined) return null;
  return option === true ? 'latest' : { note: await readFile(option, 'utf8') };
}
