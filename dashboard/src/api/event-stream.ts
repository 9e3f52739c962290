/**
 * The feed as it grows, over fetch and not over an EventSource, which could not say who asks. It goes on where it stopped,
 * however often the connection is lost.
 */
import type { Problem } from './client.ts';
import { noteAnswer, noteAway } from './connection.ts';
import { authorization, refuseKey } from './key.ts';
import type { LedgerEvent } from './types.ts';

const RETRY_MS = 1_000;
/** The service says something every 15 s. */
const SILENCE_MS = 40_000;

/** What a stream hands on, as soon as it is there: events in the order of their positions, each once. */
export type OnEvents = (events: readonly LedgerEvent[]) => void;

/** Why no events come, or null as soon as they do. */
export type OnProblem = (problem: Problem | null) => void;

/** `after`: the position to go on from. Returns what ends it. */
export function followEvents(after: string, onEvents: OnEvents, onProblem: OnProblem): () => void {
  const ending = new AbortController();
  void follow(after, onEvents, onProblem, ending.signal);
  return () => ending.abort();
}

async function follow(
  after: string,
  onEvents: OnEvents,
  onProblem: OnProblem,
  signal: AbortSignal,
): Promise<void> {
  let last = after;
  while (!signal.aborted) {
    try {
      last = await readOnce(last, { onEvents, onProblem }, signal, (position) => {
        last = position;
      });
    } catch {
      if (!signal.aborted) noteAway('No answer comes from it.');
    }
    await pause(signal);
  }
}

/** Also whoever gives up waits no longer than that. */
async function pause(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
}

/** Until the connection ends. Resolves to the position it came to. */
async function readOnce(
  after: string,
  { onEvents, onProblem }: { readonly onEvents: OnEvents; readonly onProblem: OnProblem },
  signal: AbortSignal,
  onPosition: (position: string) => void,
): Promise<string> {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), SILENCE_MS);
  try {
    const key = authorization();
    const response = await fetch(`/events/stream?after=${after}`, {
      headers: { accept: 'text/event-stream', 'last-event-id': after, ...key },
      signal: AbortSignal.any([signal, silence.signal]),
    });
    // Another log, in which the position does not exist: from its beginning.
    if (response.status === 400) return '0';
    if (response.status === 401) refuseKey(key['authorization']);
    if (!response.ok || response.body === null) {
      onProblem((await response.json()) as Problem);
      return after;
    }
    onProblem(null);
    let last = after;
    let rest = '';
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return last;
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENCE_MS);
      const messages = `${rest}${value}`.split('\n\n');
      rest = messages.pop() ?? '';
      const events = messages.flatMap(eventsOf);
      last = events.at(-1)?.position ?? last;
      onPosition(last);
      noteAnswer(last);
      if (events.length > 0) onEvents(events);
    }
  } finally {
    clearTimeout(timer);
  }
}

/** Of one message; of a comment or a pause none. */
export function eventsOf(message: string): LedgerEvent[] {
  const data = message
    .split('\n')
    .filter((line) => line.startsWith('data:'))
    .map((line) => line.slice(5).trimStart());
  return data.length === 0 ? [] : [JSON.parse(data.join('\n')) as LedgerEvent];
}
