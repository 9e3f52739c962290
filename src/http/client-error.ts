/**
 * What never became a request that a route could answer, such as a header that is no HTTP: answered as a problem too, then
 * cut off. Left to Node, some of it would get a status without a word, or none.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { uuidv7 } from '../uuid.ts';
import { PROBLEM_TYPE } from './error-handler.ts';
import { problemOf } from './problems.ts';

type Unreadable = {
  readonly status: 400 | 408 | 417 | 431;
  readonly phrase: string;
  readonly detail: string;
};

const NOT_HTTP: Unreadable = {
  status: 400,
  phrase: 'Bad Request',
  detail: 'The request is not readable as HTTP.',
};

const NO_TUNNEL: Unreadable = { ...NOT_HTTP, detail: 'The service is no proxy: it opens no tunnels.' };

const EXPECTS: Unreadable = {
  status: 417,
  phrase: 'Expectation Failed',
  detail: 'Of Expect only 100-continue is met.',
};

/** By the code of the parser's error. */
const KNOWN = new Map<string | undefined, Unreadable>([
  [
    'HPE_HEADER_OVERFLOW',
    { status: 431, phrase: 'Request Header Fields Too Large', detail: 'The headers are too large.' },
  ],
  [
    'ERR_HTTP_REQUEST_TIMEOUT',
    { status: 408, phrase: 'Request Timeout', detail: 'The request did not arrive in time.' },
  ],
]);

export function answerUnreadable(error: Error & { code?: string }, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  answerAndLeave(socket, KNOWN.get(error.code) ?? NOT_HTTP);
}

/** Of these Node makes no requests. */
export function answerTheUnexpected(server: Server): void {
  server.on('connect', (_request: IncomingMessage, socket: Duplex) => {
    socket.on('error', () => undefined);
    answerAndLeave(socket, NO_TUNNEL);
  });
  server.on('checkExpectation', ({ socket }: IncomingMessage) => answerAndLeave(socket, EXPECTS));
}

function answerAndLeave(socket: Duplex, answer: Unreadable): void {
  // Bytes of a second answer amidst those of a first would be read as part of it.
  const answering = (socket as { _httpMessage?: ServerResponse | null })._httpMessage;
  if (socket.writable && answering?.headersSent !== true) socket.write(textOf(answer));
  (socket as Duplex & { destroySoon(): void }).destroySoon();
}

function textOf({ status, phrase, detail }: Unreadable): string {
  // The path is not known here. The status is what HTTP says, of the one code that tells of unusable requests.
  const problem = {
    ...problemOf('validation_failed', detail, '/'),
    status,
    errors: [{ path: 'request', message: detail }],
  };
  const body = JSON.stringify(problem);
  return [
    `HTTP/1.1 ${status} ${phrase}`,
    `Content-Type: ${PROBLEM_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-Id: ${uuidv7()}`,
    'Connection: close',
    '',
    body,
  ].join('\r\n');
}
