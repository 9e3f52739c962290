import type { JSX } from 'preact';
import type { Operations } from '../../api/types.ts';
import { Badge } from '../../components/badge.tsx';
import { Empty, Panel } from '../../components/panel.tsx';
import { grouped } from '../../lib/amount.ts';
import { titleOf } from './words.ts';

type Job = Operations['jobs'][number];

const COLUMNS = [
  ['Queued', 'queued'],
  ['Active', 'active'],
  ['Failed', 'failed'],
  ['Dead letters', 'deadLetters'],
] as const satisfies readonly (readonly [string, keyof Job])[];

/** The queues of pg-boss, which all processes share. A dead letter failed each time it was tried. */
export function JobsPanel({ jobs }: { readonly jobs: readonly Job[] }): JSX.Element {
  const dead = jobs.reduce((sum, { deadLetters }) => sum + deadLetters, 0);
  return (
    <Panel
      title="Jobs"
      aside={
        dead === 0 ? (
          <Badge look="good">No dead letters</Badge>
        ) : (
          <Badge look="bad">{grouped(dead.toString())} dead letters</Badge>
        )
      }
    >
      {jobs.length === 0 ? (
        <Empty>There are no queues yet.</Empty>
      ) : (
        <div class="overflow-x-auto" tabIndex={0} role="region" aria-label="Queues of jobs">
          <table class="w-full text-sm">
            <thead class="text-left text-xs text-muted">
              <tr>
                <th scope="col" class="pb-2 font-medium">
                  Queue
                </th>
                {COLUMNS.map(([title]) => (
                  <th key={title} scope="col" class="pb-2 pl-3 text-right font-medium">
                    {title}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {jobs.map((job) => (
                <tr key={job.queue} class="border-t border-line">
                  <th scope="row" class="py-2 text-left font-medium">
                    {titleOf(job.queue)}
                  </th>
                  {COLUMNS.map(([title, name]) => (
                    <td
                      key={title}
                      class={`py-2 pl-3 text-right ${job[name] === 0 ? 'text-muted' : name === 'deadLetters' ? 'text-bad' : ''}`}
                    >
                      {grouped(job[name].toString())}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <p class="mt-3 text-sm text-muted">Failed: in the last minute. Dead letters: of the last day.</p>
    </Panel>
  );
}
