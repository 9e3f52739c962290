/**
 * The one table from codes to HTTP: status, title and advice of every problem the service answers. Titles and
 * statuses are part of answers that are replayed byte for byte, so they never change.
 */
import type { OperationalCode, Refusal, RefusalCode } from '../errors.ts';

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

export type ProblemCode = RefusalCode | OperationalCode | RequestFaultCode;

type Row = { readonly status: number; readonly title: string; readonly advice: string };

const RETRY = 'Retry after the number of seconds in Retry-After, a command with the same Idempotency-Key.';

export const problemTable: { readonly [Code in ProblemCode]: Row } = {
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
  insufficient_funds: {
    status: 422,
    title: 'Insufficient funds',
    advice:
      'The wallet has less available (balance minus held) than required. This answer is remembered: try again with a new Idempotency-Key once there are funds.',
  },
  limit_exceeded: {
    status: 422,
    title: 'Spend limit exceeded',
    advice:
      'More would be spent of the wallet than its limit, or that of its asset, allows. "freesAt" says when this amount fits again if nothing else is spent, null that it never does. This answer is remembered: use a new Idempotency-Key then.',
  },
  user_banned: {
    status: 422,
    title: 'User banned',
    advice: 'Money of a banned user does not move. POST /users/{userId}/status with ACTIVE lifts the ban.',
  },
  user_not_empty: {
    status: 422,
    title: 'User not empty',
    advice:
      'Only a user without money is erased: "assets", "balances" and "held" tell what the first 10 of "wallets" have. This answer is remembered: spend or pay out what is left, end open holds, and try again with a new Idempotency-Key.',
  },
  asset_frozen: {
    status: 422,
    title: 'Asset frozen',
    advice: 'Nothing of a frozen asset moves. POST /assets/{slug}/status with ACTIVE thaws it.',
  },
  wallet_frozen: {
    status: 422,
    title: 'Wallet frozen',
    advice: 'Money in a frozen wallet does not move. POST /wallets/{id}/status with ACTIVE thaws it.',
  },
  supply_cap_exceeded: {
    status: 422,
    title: 'Supply cap exceeded',
    advice: 'More of this asset would be in circulation than its supply cap allows.',
  },
  balance_out_of_range: {
    status: 422,
    title: 'Balance out of range',
    advice: 'A balance has at most 38 digits in either direction.',
  },
  hold_exceeded: {
    status: 422,
    title: 'More than is left of the hold',
    advice:
      'GET /holds/{id} shows what remains. This answer is remembered: capture less with a new Idempotency-Key.',
  },
  hold_closed: {
    status: 422,
    title: 'Hold closed',
    advice: 'The hold was captured, released or has expired. Place a new one.',
  },
  reversal_exceeds_original: {
    status: 422,
    title: 'More than is left of the original',
    advice: 'GET /transactions/{id} shows what was reversed already. No more than the rest can be reversed.',
  },
  schedule_closed: {
    status: 422,
    title: 'Schedule closed',
    advice:
      'It was executed or cancelled before, once and for all: GET /scheduled/{id} shows what came of it.',
  },
  not_reversible: {
    status: 422,
    title: 'Not reversible',
    advice:
      'A reversal cannot be reversed, nor an expiry, nor a declined attempt. Post a new transaction instead.',
  },
  too_many_lots: {
    status: 422,
    title: 'Too many expiring bonuses',
    advice:
      'A wallet has a bounded number of bonuses that expire and have something left. GET /wallets/{id}/lots?open=true lists them; a bonus without an end needs no lot.',
  },
  batch_refused: {
    status: 422,
    title: 'Batch refused',
    advice:
      'One command of an atomic batch was refused, so none was done. "index" says which, counted from 0, "cause" why.',
  },
  user_not_found: {
    status: 404,
    title: 'User not found',
    advice: 'Check the user id: GET /users lists them.',
  },
  asset_not_found: {
    status: 404,
    title: 'Asset not found',
    advice: 'Check the slug: GET /assets lists them.',
  },
  wallet_not_found: {
    status: 404,
    title: 'Wallet not found',
    advice: 'Check the wallet id: GET /users/{userId}/wallets lists those of a user.',
  },
  hold_not_found: {
    status: 404,
    title: 'Hold not found',
    advice: 'Check the hold id: GET /holds lists them.',
  },
  schedule_not_found: {
    status: 404,
    title: 'Schedule not found',
    advice: 'Check the schedule id: GET /scheduled lists them.',
  },
  transaction_not_found: {
    status: 404,
    title: 'Transaction not found',
    advice: 'Check the transaction id: GET /transactions lists them.',
  },
  email_taken: {
    status: 409,
    title: 'E-mail taken',
    advice: 'A user with this e-mail exists: GET /users?email= finds it.',
  },
  slug_taken: {
    status: 409,
    title: 'Slug taken',
    advice: 'An asset with this slug exists: GET /assets lists it.',
  },
  id_taken: {
    status: 409,
    title: 'Id taken',
    advice: 'Leave the id out to have one made, or choose another.',
  },
  idempotency_key_reused: {
    status: 422,
    title: 'Idempotency-Key used for another request',
    advice:
      'The key belongs to an earlier request that differs in the fields named by "differs". Use a new key for a new request.',
  },
  idempotency_key_unknown: {
    status: 404,
    title: 'Idempotency-Key unknown',
    advice: 'No write with this key has been recorded. It can be sent, or sent again, with this key.',
  },
  subject_erased: {
    status: 410,
    title: 'Personal data erased',
    advice:
      'The user was erased: nothing can be asked of or for them any more, and no answer that showed something personal is shown again.',
  },
  rate_limited: {
    status: 429,
    title: 'Too many requests',
    advice: `More than COFFER_RATE_LIMIT requests in a minute came with this key, or from this address. Nothing was done. ${RETRY}`,
  },
  overloaded: { status: 503, title: 'Too busy', advice: `Nothing was done. ${RETRY}` },
  shutting_down: { status: 503, title: 'Shutting down', advice: `Nothing was done. ${RETRY}` },
  database_unavailable: { status: 503, title: 'Database unavailable', advice: `Nothing was done. ${RETRY}` },
  outcome_unknown: {
    status: 503,
    title: 'Outcome unknown',
    advice:
      'The connection to the database broke while the command was committed. Retry with the same Idempotency-Key: it answers what happened and never acts twice.',
  },
  read_model_behind: {
    status: 503,
    title: 'Read model behind',
    advice: `The read model has not reached the position in atLeast in time. ${RETRY} consistency=strong never waits.`,
  },
  not_sealed_yet: {
    status: 503,
    title: 'Not sealed yet',
    advice: `Events are sealed within seconds of being written, and proofs are of sealed events. ${RETRY} If it stays so, no worker seals: its log says why.`,
  },
  checkpoint_not_found: {
    status: 404,
    title: 'No checkpoint yet',
    advice: 'The first checkpoint is signed within seconds of the first event, where a worker runs.',
  },
  projection_not_found: {
    status: 404,
    title: 'Projection not found',
    advice: 'Check the name: GET /projections lists them.',
  },
  rebuild_under_way: {
    status: 409,
    title: 'Rebuild under way',
    advice:
      'A rebuild of the same read model is under way for another purpose or version. Wait for it: GET /projections/rebuilds shows how far it is.',
  },
  rollback_impossible: {
    status: 409,
    title: 'Nothing to go back to',
    advice:
      'There is no generation that served before, or it is of another version of the program. POST /projections/{name}/rebuild makes a new one.',
  },
  verification_running: {
    status: 409,
    title: 'Verification running',
    advice:
      'There is one at a time in a process. GET /audit/verifications/{id} with the id in "running" shows how far it is; null where it is of another ledger.',
  },
  verification_not_found: {
    status: 404,
    title: 'Verification not found',
    advice:
      'Verifications are remembered by the process that ran them, the last 20: GET /audit/verifications lists them.',
  },
  log_contradicted: {
    status: 500,
    title: 'Log contradicts what was sealed',
    advice:
      'An event, a node of the tree or a checkpoint was changed behind the back of the service, so that there is no proof. `coffer audit verify` finds out what.',
  },
};

export type Problem = {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ProblemCode;
  readonly instance: string;
  readonly [member: string]: unknown;
};

export function isProblemCode(text: string): text is ProblemCode {
  return Object.hasOwn(problemTable, text);
}

export function problemOf(
  code: ProblemCode,
  detail: string,
  instance: string,
  members: Readonly<Record<string, unknown>> = {},
): Problem {
  const { status, title } = problemTable[code];
  return { type: `/problems/${code}`, title, status, detail, code, instance, ...members };
}

export function problemOfRefusal(refusal: Refusal, instance: string): Problem {
  return problemOf(refusal.code, refusal.detail, instance, refusal.figures);
}
