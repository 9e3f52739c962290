/** What the service measures of itself, in Prometheus' text format at GET /metrics. */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { createRecentBatches, type RecentBatches } from './recent-batches.ts';

export type Metrics = {
  readonly contentType: string;
  /** Those of the process, and of one ledger: what happens in another is none of its business. */
  text(ledger: LedgerMetrics): Promise<string>;
  /** Of the process: read when metrics are asked for. */
  gauge(name: string, help: string, read: () => number | Promise<number>): void;
  /** The same ones each time. */
  ofLedger(ledgerId: number): LedgerMetrics;
};

export type LedgerMetrics = {
  readonly registry: Registry;
  readonly batchCommands: Histogram;
  readonly batchSeconds: Histogram;
  readonly recentBatches: RecentBatches;
  readonly batchRetries: Counter<'reason'>;
  readonly commands: CommandCounter;
  readonly projectedEvents: Counter<'projection'>;
  readonly sealingRefusals: Counter;
  readonly gauge: Metrics['gauge'];
};

export type CommandCounter = {
  readonly counter: Counter<'command' | 'outcome'>;
  readonly count: (command: string, outcome: string) => void;
};

export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const ledgers = new Map<number, LedgerMetrics>();
  return {
    contentType: registry.contentType,
    text: async (ledger) => `${await registry.metrics()}\n${await ledger.registry.metrics()}`,
    gauge: gaugesIn(registry),
    ofLedger(ledgerId) {
      const known = ledgers.get(ledgerId) ?? createLedgerMetrics();
      ledgers.set(ledgerId, known);
      return known;
    },
  };
}

function createLedgerMetrics(): LedgerMetrics {
  const registry = new Registry();
  const registers = [registry];
  return {
    registry,
    batchCommands: new Histogram({
      name: 'coffer_batch_commands',
      help: 'Commands per committed batch.',
      buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000],
      registers,
    }),
    batchSeconds: new Histogram({
      name: 'coffer_batch_seconds',
      help: 'Time from the start of a batch to its answers, retries included.',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
      registers,
    }),
    recentBatches: createRecentBatches(() => performance.now()),
    batchRetries: new Counter({
      name: 'coffer_batch_retries_total',
      help: 'Attempts at a batch that did not go through, by reason.',
      labelNames: ['reason'],
      registers,
    }),
    commands: createCommandCounter(registers),
    projectedEvents: new Counter({
      name: 'coffer_projected_events_total',
      help: 'Events applied to read models.',
      labelNames: ['projection'],
      registers,
    }),
    sealingRefusals: new Counter({
      name: 'coffer_sealing_refusals_total',
      help: 'Attempts to seal the log that were refused: the log contradicts what was sealed, or the key is not usable.',
      registers,
    }),
    gauge: gaugesIn(registry),
  };
}

/** Counts in a map, which the counter takes when somebody asks for it: one that is given labels works them out each time. */
function createCommandCounter(registers: Registry[]): CommandCounter {
  const since = new Map<string, Map<string, number>>();
  const counter = new Counter({
    name: 'coffer_commands_total',
    help: 'Commands answered, by command and outcome (accepted, replayed, or the code of the refusal).',
    labelNames: ['command', 'outcome'],
    registers,
    collect() {
      for (const [command, outcomes] of since)
        for (const [outcome, count] of outcomes) counter.inc({ command, outcome }, count);
      since.clear();
    },
  });
  return {
    counter,
    count(command, outcome) {
      let outcomes = since.get(command);
      if (outcomes === undefined) since.set(command, (outcomes = new Map<string, number>()));
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    },
  };
}

function gaugesIn(registry: Registry): Metrics['gauge'] {
  return (name, help, read) => {
    const gauge = new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        gauge.set(await read());
      },
    });
  };
}
