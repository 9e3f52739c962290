/** What never became a request, such as a header that is no HTTP: answered as a problem too, then cut off. */
import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { PROBLEM_TYPE } from './error-handler.ts';
import { problemOf } from './problems.ts';

type Unreadable = { readonly status: 400 | 408 | 431; readonly phrase: string; readonly detail: string };

const NOT_HTTP: Unreadable = {
  status: 400,
  phrase: 'Bad Request',
  detail: 'The request is not readable as HTTP.',
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

export function answerUnreadable(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  // Bytes of a second answer amidst those of a first would be read as part of it.
  const answering = (socket as { _httpMessage?: ServerResponse | null })._httpMessage;
  if (socket.writable && answering?.headersSent !== true) socket.write(answerTo(error.code));
  socket.destroySoon();
}

function answerTo(code: string | undefined): string {
  const { status, phrase, detail } = KNOWN.get(code) ?? NOT_HTTP;
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
    `X-Request-Id: ${randomUUID()}`,
    'Connection: close',
    '',
    body,
  ].join('\r\n');
}
