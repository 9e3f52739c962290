/** What the service says, asked again and again: after a while, after a write, and when the page is looked at once more. */
import { useEffect, useState } from 'preact/hooks';
import { read, subscribeToWrites, type Problem } from './client.ts';
import { connection } from './connection.ts';
import { subscribeToKey } from './key.ts';

const EVERY_MS = 4_000;
const WHILE_AWAY_MS = 1_000;

export type Live<Body> = {
  /** The last answer for this path, also while there is none newer. */
  readonly data: Body | null;
  readonly problem: Problem | null;
};

const NOTHING = { data: null, problem: null };

/** `path` null: nothing is asked. `sees`: for routes that take `atLeast`. */
export function useLive<Body>(
  path: string | null,
  options: { readonly everyMs?: number; readonly sees?: boolean } = {},
): Live<Body> {
  const { everyMs = EVERY_MS, sees = false } = options;
  const [shown, setShown] = useState<Live<Body> & { path: string | null }>({ path, ...NOTHING });

  useEffect(() => {
    if (path === null) return undefined;
    return repeatedly(everyMs, async (signal) => {
      const reply = await read<Body>(path, { sees, signal });
      if (signal.aborted) return;
      if (reply.kind === 'answered') setShown({ path, data: reply.body, problem: null });
      else {
        const { problem } = reply;
        setShown((old) => ({ path, data: old.path === path ? old.data : null, problem }));
      }
    });
  }, [path, everyMs, sees]);

  return shown.path === path ? shown : NOTHING;
}

/**
 * Runs the work now, after each write, when the page is seen again, and so often in between; sooner while the service is
 * away. A run is given up for the next one. Returns what ends it.
 */
export function repeatedly(everyMs: number, work: (signal: AbortSignal) => Promise<void>): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running = new AbortController();
  async function run(): Promise<void> {
    clearTimeout(timer);
    running.abort();
    running = new AbortController();
    const { signal } = running;
    await work(signal);
    if (signal.aborted) return;
    const pauseMs = connection.get().away === null ? everyMs : WHILE_AWAY_MS;
    timer = setTimeout(() => {
      if (!document.hidden) void run();
    }, pauseMs);
  }
  const runNow = () => void run();
  const runWhenSeen = () => {
    if (!document.hidden) runNow();
  };
  const unsubscribe = [subscribeToWrites(runNow), subscribeToKey(runNow)];
  document.addEventListener('visibilitychange', runWhenSeen);
  runNow();
  return () => {
    clearTimeout(timer);
    running.abort();
    for (const end of unsubscribe) end();
    document.removeEventListener('visibilitychange', runWhenSeen);
  };
}
