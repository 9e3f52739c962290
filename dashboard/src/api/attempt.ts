/**
 * Doing something once. An attempt gets its Idempotency-Key when it is first sent and keeps it until the service has said
 * what became of it: a double click, a lost answer, a page that is loaded anew ask for the same thing again, not for another.
 */
import { useRef, useState } from 'preact/hooks';
import { newKey, write, type Problem, type Reply } from './client.ts';

const STORED = 'coffer.open-attempts';
const MOST_STORED = 50;

/** Keys of attempts whose outcome is not known, by what they ask. */
function openKeys(): Map<string, string> {
  return new Map(JSON.parse(sessionStorage.getItem(STORED) ?? '[]') as [string, string][]);
}

function keepKeys(keys: ReadonlyMap<string, string>): void {
  sessionStorage.setItem(STORED, JSON.stringify([...keys].slice(-MOST_STORED)));
}

export type AttemptState<Answer> =
  | { readonly kind: 'idle' }
  | { readonly kind: 'sending' }
  | { readonly kind: 'done'; readonly answer: Answer; readonly replayed: boolean }
  | { readonly kind: 'refused'; readonly problem: Problem }
  | { readonly kind: 'silent'; readonly problem: Problem; readonly retry: () => void };

export type Attempt<Answer> = {
  readonly state: AttemptState<Answer>;
  send(path: string, body: unknown): Promise<Reply<Answer> | null>;
  reset(): void;
};

/** Resolves to null where another one is still under way: it is not sent twice. */
export function useAttempt<Answer>(onDone?: (answer: Answer) => void): Attempt<Answer> {
  const [state, setState] = useState<AttemptState<Answer>>({ kind: 'idle' });
  const isSending = useRef(false);

  async function send(path: string, body: unknown): Promise<Reply<Answer> | null> {
    if (isSending.current) return null;
    isSending.current = true;
    setState({ kind: 'sending' });
    const asked = `${path} ${JSON.stringify(body)}`;
    const key = openKeys().get(asked) ?? newKey();
    keepKeys(openKeys().set(asked, key));
    const reply = await write<Answer>(path, body, key);
    isSending.current = false;
    if (reply.kind === 'silent') {
      setState({ kind: 'silent', problem: reply.problem, retry: () => void send(path, body) });
      return reply;
    }
    const keys = openKeys();
    keys.delete(asked);
    keepKeys(keys);
    if (reply.kind === 'refused') setState({ kind: 'refused', problem: reply.problem });
    else {
      setState({ kind: 'done', answer: reply.body, replayed: reply.replayed });
      onDone?.(reply.body);
    }
    return reply;
  }

  return { state, send, reset: () => setState({ kind: 'idle' }) };
}
