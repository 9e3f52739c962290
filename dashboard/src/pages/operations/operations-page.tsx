/** How the service itself gets on: its read models, its queue, what it commits, its jobs. */
import type { JSX } from 'preact';
import { useLive } from '../../api/live.ts';
import type { Operations, Page, Projection } from '../../api/types.ts';
import { ProblemNote } from '../../components/outcome.tsx';
import { Empty } from '../../components/panel.tsx';
import { CommandsPanel } from './commands-panel.tsx';
import { JobsPanel } from './jobs-panel.tsx';
import { LagPanel } from './lag-panel.tsx';
import { OutcomesPanel } from './outcomes-panel.tsx';
import { ProjectionsPanel } from './projections-panel.tsx';

const EVERY_MS = 2_000;

export function OperationsPage(): JSX.Element {
  const projections = useLive<Page<Projection>>('/projections', { everyMs: EVERY_MS });
  const figures = useLive<Operations>('/operations', { everyMs: EVERY_MS });
  const problem = projections.problem ?? figures.problem;
  if (projections.data === null || figures.data === null) {
    return problem === null ? <Empty>Loading…</Empty> : <ProblemNote problem={problem} />;
  }
  return (
    <div class="grid items-start gap-5 lg:grid-cols-2">
      <div class="grid min-w-0 gap-5">
        <ProjectionsPanel projections={projections.data.data} />
        <JobsPanel jobs={figures.data.jobs} />
      </div>
      <div class="grid min-w-0 gap-5">
        <CommandsPanel figures={figures.data} />
        <LagPanel projections={projections.data.data} />
        <OutcomesPanel figures={figures.data} />
      </div>
    </div>
  );
}
