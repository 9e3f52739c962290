/** coffer audit export: the log as files that need nothing of us. */
import { exportLog } from '../audit/export/export.ts';
import type { Config } from '../config.ts';
import { ledgerIdOf } from '../db/ledgers.ts';
import { countOf } from './audit-report.ts';
import type { OfLedger } from './of-ledger.ts';
import { withReadingPool } from './command-pool.ts';
import { print } from './output.ts';
import { createEventsProgress } from './progress-line.ts';

export type ExportCommandOptions = OfLedger & { readonly from?: bigint; readonly to?: bigint };

export function runAuditExport(
  config: Config,
  directory: string,
  options: ExportCommandOptions,
): Promise<number> {
  return withReadingPool(config, async ({ url, pool }) => {
    const progress = createEventsProgress(process.stderr);
    const { from, to, events, segments, checkpoints } = await exportLog({
      url,
      directory,
      ledger: { id: await ledgerIdOf(pool, options.ledger), slug: options.ledger },
      from: options.from ?? null,
      to: options.to ?? null,
      onProgress: progress.show,
    });
    progress.end();
    const sealed =
      checkpoints === null ? 'nothing of it is sealed' : countOf(checkpoints.count, 'checkpoint');
    await print([
      `${directory}: ${events} events, positions ${from} to ${to}, in ${countOf(segments.length, 'segment')}; ${sealed}\n`,
    ]);
    return 0;
  });
}
