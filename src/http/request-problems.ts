/** Problems of requests themselves: who asks, what was sent, how. */
import type { ProblemRow } from './problems.ts';

export type RequestFaultCode =
  | 'idempotency_key_missing'
  | 'idempotency_key_invalid'
  | 'validation_failed'
  | 'not_found'
  | 'host_not_allowed'
  | 'cross_site_write'
  | 'payload_too_large'
  | 'unsupported_media_type'
  | 'batch_refused'
  | 'unauthenticated'
  | 'forbidden'
  | 'key_not_found'
  | 'key_closed'
  | 'too_many_keys'
  | 'internal_error';

export const requestProblems: { readonly [Code in RequestFaultCode]: ProblemRow } = {
  idempotency_key_missing: {
    status: 400,
    title: 'Idempotency-Key missing',
    advice:
      'Send an Idempotency-Key header with every write: one new key for each thing you want done, the same key again for each retry of it.',
  },
  idempotency_key_invalid: {
    status: 400,
    title: 'Idempotency-Key not usable',
    advice: 'A key has 1 to 255 visible ASCII characters and no spaces. A UUIDv7 is a good one.',
  },
  validation_failed: {
    status: 400,
    title: 'Request not valid',
    advice: 'The member "errors" says for each field what is wrong with it. Nothing was done.',
  },
  not_found: {
    status: 404,
    title: 'No such path',
    advice: 'GET /openapi.json lists all paths; GET /docs shows them in a browser.',
  },
  host_not_allowed: {
    status: 421,
    title: 'Host not allowed',
    advice:
      'Without authentication the service answers to localhost, 127.0.0.1 and [::1] only, so that no web page can reach it under a name of its own. COFFER_ALLOWED_HOSTS lists further names, separated by commas.',
  },
  cross_site_write: {
    status: 403,
    title: 'Write from another site',
    advice:
      'A browser sent this for a page of another site (Sec-Fetch-Site, Origin). Pages the service serves itself may write, and whatever is no browser.',
  },
  unauthenticated: {
    status: 401,
    title: 'Key needed',
    advice:
      'Send a key that counts, as Authorization: Bearer. `coffer keys create` makes one; docs/access.md says more.',
  },
  forbidden: {
    status: 403,
    title: 'Key not sufficient',
    advice: 'The member "scope" names what the key lacks. Nothing was done. Ask for a key that has it.',
  },
  key_not_found: {
    status: 404,
    title: 'API key not found',
    advice: 'Check the id or the prefix: GET /keys lists the keys of the ledger.',
  },
  key_closed: {
    status: 409,
    title: 'API key closed',
    advice: 'The key was revoked or is over, or belongs to the environment of the service. Create a new one.',
  },
  too_many_keys: {
    status: 409,
    title: 'Too many API keys',
    advice: 'Revoke keys that are not used any more: GET /keys tells when each was used last.',
  },
  payload_too_large: {
    status: 413,
    title: 'Request body too large',
    advice: 'Send a smaller body. The limit is COFFER_BODY_LIMIT_BYTES.',
  },
  unsupported_media_type: {
    status: 415,
    title: 'Body is not JSON',
    advice: 'Send JSON, with the header Content-Type: application/json.',
  },
  internal_error: {
    status: 500,
    title: 'Internal error',
    advice:
      'This is a fault of the service. A command may be retried with the same Idempotency-Key; report the X-Request-Id of the answer.',
  },
  batch_refused: {
    status: 422,
    title: 'Batch refused',
    advice:
      'One command of an atomic batch was refused, so none was done. "index" says which, counted from 0, "cause" why.',
  },
};
