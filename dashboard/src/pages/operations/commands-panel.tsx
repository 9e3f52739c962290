import type { JSX } from 'preact';
import type { Operations } from '../../api/types.ts';
import { Badge } from '../../components/badge.tsx';
import { Chart } from '../../components/chart.tsx';
import { Figure, Panel } from '../../components/panel.tsx';
import { grouped } from '../../lib/amount.ts';
import { formatSeconds } from '../../lib/time.ts';
import { beginningOf, useSamples } from './use-samples.ts';

const MIB = 2 ** 20;

const figure = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });

/** Of the process that answers: what waits, what is committed, and how long that takes. */
export function CommandsPanel({ figures }: { readonly figures: Operations }): JSX.Element {
  const { queue, batches, process } = figures;
  return (
    <Panel
      title="Commands"
      aside={
        queue.shuttingDown ? (
          <Badge look="warn">Shutting down</Badge>
        ) : (
          <p class="text-sm text-muted">Over the last minute</p>
        )
      }
    >
      <dl class="grid grid-cols-2 gap-x-4 gap-y-4 sm:grid-cols-3">
        <Figure
          label="Queue depth"
          value={grouped(queue.depth.toString())}
          note={`room for ${grouped(queue.capacity.toString())}`}
        />
        <Figure
          label="Batch size"
          value={figure.format(batches.meanCommands)}
          note={`${figure.format(batches.perSecond)} batches per second`}
        />
        <Figure label="Commands" value={figure.format(batches.commandsPerSecond)} note="per second" />
        <Figure
          label="Commit latency, p50"
          value={milliseconds(batches.p50Ms)}
          note={`p99 ${milliseconds(batches.p99Ms)}`}
        />
        <Figure
          label="Memory"
          value={`${Math.round(process.memoryBytes / MIB)} MiB`}
          note={`up for ${formatSeconds(process.uptimeSeconds)}`}
        />
        <Figure label="Event loop" value={milliseconds(process.eventLoopLagMs)} note="delay" />
      </dl>
      <LatencyChart figures={figures} />
    </Panel>
  );
}

function LatencyChart({ figures }: { readonly figures: Operations }): JSX.Element | null {
  const samples = useSamples('operations', figures);
  if (samples.every(({ value }) => value.batches.p99Ms === null)) return null;
  return (
    <figure class="mt-5">
      <figcaption class="mb-2 flex flex-wrap gap-x-4 text-sm text-muted">
        Commit latency over time
        <Key class="bg-accent">p50</Key>
        <Key class="bg-warn">p99</Key>
      </figcaption>
      <Chart
        label={`Commit latency over time: now half within ${milliseconds(figures.batches.p50Ms)}, 99 of 100 within ${milliseconds(figures.batches.p99Ms)}`}
        xs={[beginningOf(samples), ...samples.map(({ seconds }) => seconds)]}
        series={[
          { label: 'p50', values: [null, ...samples.map(({ value }) => value.batches.p50Ms)] },
          { label: 'p99', values: [null, ...samples.map(({ value }) => value.batches.p99Ms)], color: 'warn' },
        ]}
        heightPx={140}
        format={(value) => `${figure.format(value)} ms`}
      />
    </figure>
  );
}

function Key(props: { readonly class: string; readonly children: string }): JSX.Element {
  return (
    <span class="inline-flex items-center gap-1.5">
      <span aria-hidden="true" class={`inline-block h-0.5 w-4 ${props.class}`} />
      {props.children}
    </span>
  );
}

function milliseconds(value: number | null): string {
  return value === null ? '–' : `${figure.format(value)} ms`;
}
