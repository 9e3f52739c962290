/** The one way to the service. Nothing here throws: what went wrong is an answer too. */
import { noteAnswer, noteAway, notePresence } from './connection.ts';
import { authorization, refuseKey } from './key.ts';

const TIMEOUT_MS = 10_000;
/** Codes that say of the whole service that it is not there, whatever was asked. */
const AWAY = new Set(['shutting_down', 'database_unavailable']);

/** problem+json as it came, with its further members. */
export type Problem = {
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly errors?: readonly { path: string; message: string }[];
  readonly [member: string]: unknown;
};

export type Reply<Body> =
  | { readonly kind: 'answered'; readonly body: Body; readonly position: string; readonly replayed: boolean }
  /** It said no: nothing was done, and asking again the same way changes nothing. */
  | { readonly kind: 'refused'; readonly problem: Problem; readonly position: string | null }
  /** It did not say: a write may have been done or not. The same key asks for the same thing. */
  | { readonly kind: 'silent'; readonly problem: Problem };

const NO_ANSWER: Problem = {
  code: 'no_answer',
  title: 'The server does not answer',
  detail: 'Whether this was done is not known.',
};

type Sent = {
  readonly method?: 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal | undefined;
};

async function ask<Body>(path: string, init: Sent): Promise<Reply<Body>> {
  let response: Response;
  let body: unknown;
  const key = authorization();
  try {
    const headers = { accept: 'application/json', ...key, ...init.headers };
    const signal = AbortSignal.any([
      AbortSignal.timeout(TIMEOUT_MS),
      ...(init.signal === undefined ? [] : [init.signal]),
    ]);
    response = await fetch(path, { ...init, headers, signal });
    body = await response.json();
  } catch {
    if (init.signal?.aborted !== true) noteAway('No answer comes from it.');
    return { kind: 'silent', problem: NO_ANSWER };
  }
  const position = response.headers.get('coffer-position');
  if (response.ok) {
    noteAnswer(position);
    const replayed = response.headers.has('idempotent-replayed');
    return { kind: 'answered', body: body as Body, position: position ?? '0', replayed };
  }
  if (response.status === 401) refuseKey(key['authorization']);
  return explain(response, body as Problem, position);
}

function explain<Body>(response: Response, problem: Problem, position: string | null): Reply<Body> {
  const { status } = response;
  const isSilent = status === 429 || status >= 500;
  if (AWAY.has(problem.code) || status === 502 || status === 504) noteAway(problem.detail);
  // It is there, and yet what is shown is no newer for it.
  else if (isSilent) notePresence();
  else noteAnswer(position);
  if (isSilent) return { kind: 'silent', problem };
  return { kind: 'refused', problem, position };
}

/** The newest position that this page has written: reads wait until they have seen it. */
let written = '0';
const onWritten = new Set<() => void>();

export function subscribeToWrites(listener: () => void): () => void {
  onWritten.add(listener);
  return () => onWritten.delete(listener);
}

/** `sees`: what the route answers waits for what this page wrote; for routes that take `atLeast`. */
export async function read<Body>(
  path: string,
  options: { readonly sees?: boolean; readonly signal?: AbortSignal } = {},
): Promise<Reply<Body>> {
  const { sees = false, signal } = options;
  const url = sees && written !== '0' ? `${path}${path.includes('?') ? '&' : '?'}atLeast=${written}` : path;
  const reply = await ask<Body>(url, { signal });
  // A service that was given another database does not know the position.
  if (reply.kind === 'refused' && reply.problem.code === 'validation_failed' && url !== path) written = '0';
  return reply;
}

/** A key for one attempt. A browser has randomUUID on https and on this very machine only. */
export function newKey(): string {
  const random = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(random, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export async function write<Body>(path: string, body: unknown, key: string): Promise<Reply<Body>> {
  const headers = { 'content-type': 'application/json', 'idempotency-key': key };
  const reply = await ask<Body>(path, { method: 'POST', headers, body: JSON.stringify(body) });
  if (reply.kind === 'answered' && BigInt(reply.position) > BigInt(written)) written = reply.position;
  for (const listener of onWritten) listener();
  return reply;
}
