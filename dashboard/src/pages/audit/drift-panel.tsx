import type { JSX } from 'preact';
import type { Problem } from '../../api/client.ts';
import type { Drift } from '../../api/types.ts';
import { Badge } from '../../components/badge.tsx';
import { ProblemNote } from '../../components/outcome.tsx';
import { Empty, Figure, Panel } from '../../components/panel.tsx';
import { grouped } from '../../lib/amount.ts';
import { formatTime } from '../../lib/time.ts';
import { Findings } from './findings.tsx';

type DriftPanelProps = { readonly drift: Drift | null; readonly problem: Problem | null };

/** What the sentinel, which derives the log again all the time, makes of it. */
export function DriftPanel({ drift, problem }: DriftPanelProps): JSX.Element {
  return (
    <Panel title="Drift sentinel" aside={drift === null ? null : <Verdict findings={drift.findings} />}>
      {drift === null ? (
        problem === null ? (
          <Empty>Loading…</Empty>
        ) : (
          <ProblemNote problem={problem} />
        )
      ) : (
        <div class="grid gap-4">
          <dl class="grid grid-cols-2 gap-4">
            <Figure label="Verified position" value={grouped(drift.verifiedPosition)} />
            <Figure
              label="Last checked"
              value={
                <span class="text-base">
                  {drift.checkedAt === null ? 'Not yet' : formatTime(drift.checkedAt)}
                </span>
              }
            />
          </dl>
          {drift.latest.length > 0 && (
            <Findings
              label="What the sentinel found"
              findings={drift.latest.map((finding) => ({ ...finding, wallet: finding.walletId }))}
            />
          )}
        </div>
      )}
    </Panel>
  );
}

function Verdict({ findings }: { readonly findings: string }): JSX.Element {
  return findings === '0' ? (
    <Badge look="good">No drift</Badge>
  ) : (
    <Badge look="bad">
      {grouped(findings)} {findings === '1' ? 'difference' : 'differences'}
    </Badge>
  );
}
