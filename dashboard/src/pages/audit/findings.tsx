import type { JSX } from 'preact';
import { grouped } from '../../lib/amount.ts';

export type Finding = {
  readonly check: string;
  readonly position: string | null;
  readonly wallet: string | null;
  readonly expected: string;
  readonly found: string;
};

type FindingsProps = { readonly label: string; readonly findings: readonly Finding[] };

/** What is not as the log says that it has to be. */
export function Findings({ label, findings }: FindingsProps): JSX.Element {
  return (
    <div class="max-h-96 overflow-auto" tabIndex={0} role="region" aria-label={label}>
      <table class="w-full min-w-lg text-sm">
        <thead class="text-left text-xs text-muted">
          <tr>
            {['Check', 'Where', 'Expected', 'Found'].map((title) => (
              <th key={title} scope="col" class="pr-3 pb-2 font-medium">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {findings.map((finding, index) => (
            <tr key={index} class="border-t border-line align-top">
              <th scope="row" class="py-2 pr-3 text-left font-medium">
                {finding.check}
              </th>
              <td class="min-w-32 py-2 pr-3 text-xs">
                {finding.position !== null && <p>event {grouped(finding.position)}</p>}
                {finding.wallet !== null && <p class="wrap-anywhere">wallet {finding.wallet}</p>}
              </td>
              <td class="py-2 pr-3 font-mono text-xs wrap-anywhere">{finding.expected}</td>
              <td class="py-2 font-mono text-xs wrap-anywhere text-bad">{finding.found}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
