/** The newest events and how many came when, kept from the stream in bounds, and shown a few times a second at most. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { followEvents } from '../../api/event-stream.ts';
import { read, type Problem } from '../../api/client.ts';
import type { LedgerEvent, Page, Projection } from '../../api/types.ts';
import { refusalOf } from '../../lib/event-words.ts';

const SHOWN = 200;
/** What is there before the page is opened. */
const BEFORE = 200n;
const FLUSH_MS = 250;
const RETRY_MS = 1_000;
export const WINDOW_SECONDS = 120;

export type Activity = {
  /** Newest first. */
  readonly events: readonly LedgerEvent[];
  /** Events by the second they were recorded in, of the last two minutes. */
  readonly seconds: ReadonlyMap<number, number>;
  /** The first second of which all events were seen: what is older than those asked for may have been more. */
  readonly knownFrom: number | null;
  /** Declined attempts among the events seen, by reason. */
  readonly refusals: ReadonlyMap<string, number>;
  readonly seen: number;
  /** Why nothing comes. */
  readonly problem: Problem | null;
  readonly connected: boolean;
};

const NOTHING: Activity = {
  events: [],
  seconds: new Map(),
  knownFrom: null,
  refusals: new Map(),
  seen: 0,
  connected: false,
  problem: null,
};

/** While paused, what comes is counted and not shown. */
export function useActivity(paused: boolean): Activity {
  const [shown, setShown] = useState(NOTHING);
  const current = useRef(NOTHING);
  const isPaused = useRef(paused);
  isPaused.current = paused;

  useEffect(() => {
    let end: (() => void) | null = null;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let buffer: LedgerEvent[] = [];
    let flushing = false;

    function flush(): void {
      flushing = false;
      current.current = added(current.current, buffer);
      buffer = [];
      setShown((old) => (isPaused.current ? { ...current.current, events: old.events } : current.current));
    }
    function take(events: readonly LedgerEvent[]): void {
      buffer.push(...events);
      if (flushing) return;
      flushing = true;
      timer = setTimeout(flush, FLUSH_MS);
    }
    function takeProblem(problem: Problem | null): void {
      if (current.current.problem?.code === problem?.code) return;
      current.current = { ...current.current, problem };
      setShown((old) => ({ ...old, problem }));
    }
    async function begin(): Promise<void> {
      const reply = await read<Page<Projection>>('/projections');
      if (end === NEVER) return;
      if (reply.kind !== 'answered') {
        timer = setTimeout(() => void begin(), RETRY_MS);
        return;
      }
      const head = BigInt(reply.body.data[0]?.headPosition ?? '0');
      const knownFrom = head > BEFORE ? null : 0;
      current.current = { ...current.current, knownFrom, connected: true };
      setShown(current.current);
      end = followEvents((head > BEFORE ? head - BEFORE : 0n).toString(), take, takeProblem);
    }
    void begin();
    return () => {
      end?.();
      end = NEVER;
      clearTimeout(timer);
    };
  }, []);

  useEffect(() => {
    if (!paused) setShown(current.current);
  }, [paused]);

  return shown;
}

const NEVER = () => undefined;

function secondOf({ recordedAt }: LedgerEvent): number {
  return Math.floor(Date.parse(recordedAt) / 1_000);
}

function added(old: Activity, events: readonly LedgerEvent[]): Activity {
  const seconds = new Map(old.seconds);
  const refusals = new Map(old.refusals);
  for (const event of events) {
    const second = secondOf(event);
    seconds.set(second, (seconds.get(second) ?? 0) + 1);
    const refusal = refusalOf(event);
    if (refusal !== null) refusals.set(refusal, (refusals.get(refusal) ?? 0) + 1);
  }
  const oldest = Math.floor(Date.now() / 1_000) - WINDOW_SECONDS - 5;
  for (const second of seconds.keys()) if (second < oldest) seconds.delete(second);
  const newest = [...events.slice(-SHOWN).reverse(), ...old.events].slice(0, SHOWN);
  const knownFrom = old.knownFrom ?? (events[0] === undefined ? null : secondOf(events[0]) + 1);
  const seen = old.seen + events.length;
  return { events: newest, seconds, knownFrom, refusals, seen, connected: true, problem: null };
}
