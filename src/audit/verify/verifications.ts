/** Verifications that a process was asked for: one at a time, in a thread beside, and the last ones are remembered. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import { endsWithin } from '../../time-limit.ts';
import type { Finding } from '../fold/finding.ts';

const REMEMBERED = 20;
const MAX_FINDINGS = 100;
/** A verification that is to end does so within a step; then it is ended. */
const CANCEL_MS = 2_000;

export type VerificationTask = { readonly url: string; readonly ledgerId: number };

/** What the thread tells: how it gets on, and in the end what it came to or why it came to nothing. */
export type Told =
  | { readonly done: bigint; readonly total: bigint }
  | { readonly to: bigint; readonly findings: readonly Finding[]; readonly findingCount: number }
  | { readonly failure: string };

export type VerificationState = 'running' | 'clean' | 'findings' | 'failed' | 'canceled';

/** As it is shown: positions and counts of events as digits. */
export type Verification = {
  readonly id: string;
  readonly state: VerificationState;
  readonly eventsDone: string;
  readonly eventsTotal: string;
  readonly eventsPerSecond: string;
  /** Null where it is not known, and at the end. */
  readonly secondsLeft: number | null;
  /** Up to here all is as it has to be; null before that is known, and where it is not so. */
  readonly verifiedPosition: string | null;
  /** The first 100. */
  readonly findings: readonly {
    readonly check: string;
    readonly position: string | null;
    readonly wallet: string | null;
    readonly expected: string;
    readonly found: string;
  }[];
  readonly findingCount: number;
  readonly startedAt: string;
  readonly finishedAt: string | null;
};

export type Verifications = {
  /** `running`: the one that stands in the way; null where it is none of the ledger's. */
  start(ledgerId: number): Verification | { readonly running: string | null };
  /** Newest first. */
  list(ledgerId: number): Verification[];
  find(ledgerId: number, id: string): Verification | null;
  close(): Promise<void>;
};

type Run = {
  readonly id: string;
  readonly ledgerId: number;
  readonly startedAt: string;
  readonly since: number;
  readonly worker: Worker;
  readonly exited: Promise<unknown>;
  state: VerificationState;
  done: bigint;
  total: bigint;
  verified: bigint | null;
  findings: readonly Finding[];
  findingCount: number;
  finished: { readonly at: string; readonly afterMs: number } | null;
};

export function createVerifications({ url, log }: { url: string; log: Logger }): Verifications {
  let runs: Run[] = [];
  let closed = false;

  function begin(ledgerId: number): Run {
    const workerData: VerificationTask = { url, ledgerId };
    const worker = new Worker(new URL('./verification-thread.ts', import.meta.url), { workerData });
    const run: Run = {
      ...{ id: randomUUID(), ledgerId, worker, exited: once(worker, 'exit').catch(() => undefined) },
      ...{ startedAt: new Date().toISOString(), since: performance.now(), finished: null },
      ...{ state: 'running', done: 0n, total: 0n, verified: null, findings: [], findingCount: 0 },
    };
    worker.on('message', (told: Told) => take(run, told));
    worker.on('error', (error: Error) => fail(run, error.message));
    worker.on('exit', (code) => fail(run, `its thread ended with code ${code}`));
    return run;
  }

  function take(run: Run, told: Told): void {
    if ('done' in told) {
      run.done = told.done;
      run.total = told.total;
    } else if ('failure' in told) fail(run, told.failure);
    else {
      run.findings = told.findings.slice(0, MAX_FINDINGS);
      run.findingCount = told.findingCount;
      run.verified = told.findingCount === 0 ? told.to : null;
      run.done = run.total;
      end(run, told.findingCount === 0 ? 'clean' : 'findings');
    }
  }

  function fail(run: Run, reason: string): void {
    if (run.state !== 'running') return;
    if (!closed) log.error({ verification: run.id, reason }, 'a verification could not be finished');
    end(run, closed ? 'canceled' : 'failed');
  }

  function end(run: Run, state: VerificationState): void {
    run.state = state;
    run.finished = { at: new Date().toISOString(), afterMs: performance.now() - run.since };
  }

  return {
    start(ledgerId) {
      const running = runs.find(({ state }) => state === 'running');
      if (running !== undefined) return { running: running.ledgerId === ledgerId ? running.id : null };
      const run = begin(ledgerId);
      runs = [run, ...runs].slice(0, REMEMBERED);
      return shown(run);
    },
    list: (ledgerId) => runs.filter((run) => run.ledgerId === ledgerId).map(shown),
    find(ledgerId, id) {
      const found = runs.find((run) => run.id === id && run.ledgerId === ledgerId);
      return found === undefined ? null : shown(found);
    },
    async close() {
      closed = true;
      const running = runs.find(({ state }) => state === 'running');
      if (running === undefined) return;
      running.worker.postMessage('cancel');
      if (!(await endsWithin(running.exited, CANCEL_MS))) await running.worker.terminate();
    },
  };
}

function shown(run: Run): Verification {
  const elapsedMs = run.finished?.afterMs ?? performance.now() - run.since;
  const rate = (run.done * 1_000n) / BigInt(Math.max(1, Math.round(elapsedMs)));
  return {
    ...{ id: run.id, state: run.state, eventsDone: run.done.toString(), eventsTotal: run.total.toString() },
    eventsPerSecond: rate.toString(),
    secondsLeft: run.state === 'running' && rate > 0n ? Number((run.total - run.done) / rate) : null,
    verifiedPosition: run.verified?.toString() ?? null,
    findings: run.findings.map(({ check, position, walletId, expected, found }) => {
      return { check, position, wallet: walletId, expected, found };
    }),
    ...{ findingCount: run.findingCount, startedAt: run.startedAt, finishedAt: run.finished?.at ?? null },
  };
}
