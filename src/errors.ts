/**
 * Three families of failure. A *refusal* is an answer of the business rules, decided under the locks; an
 * *operational* error concerns everyone and passes; everything else that is thrown is a bug. None of
 * them knows HTTP: one table in src/http maps them to problem+json.
 */

/** Refusals caused by state. They are recorded in the log and answered again to every retry. */
export type RecordedRefusalCode =
  | 'insufficient_funds'
  | 'limit_exceeded'
  | 'user_banned'
  | 'user_not_empty'
  | 'asset_frozen'
  | 'wallet_frozen'
  | 'supply_cap_exceeded'
  | 'balance_out_of_range'
  | 'hold_exceeded'
  | 'hold_closed'
  | 'reversal_exceeds_original'
  | 'not_reversible'
  | 'too_many_lots'
  | 'schedule_closed';

/** Refusals of requests that name what does not exist or is taken already. They are not remembered. */
export type UnrecordedRefusalCode =
  | 'user_not_found'
  | 'asset_not_found'
  | 'wallet_not_found'
  | 'transaction_not_found'
  | 'hold_not_found'
  | 'schedule_not_found'
  | 'email_taken'
  | 'slug_taken'
  | 'id_taken'
  | 'idempotency_key_reused'
  | 'idempotency_key_unknown'
  | 'subject_erased'
  | 'checkpoint_not_found'
  | 'log_contradicted'
  | 'projection_not_found'
  | 'rebuild_under_way'
  | 'rollback_impossible'
  | 'verification_running'
  | 'verification_not_found';

export type RefusalCode = RecordedRefusalCode | UnrecordedRefusalCode;

/** `figures` are the members beside `code` and `detail`: amounts as strings, seen under the lock. */
export type Refusal<Code extends RefusalCode = RefusalCode> = {
  readonly code: Code;
  readonly detail: string;
  readonly figures: Readonly<Record<string, string | readonly string[] | null>>;
};

/** A refusal on its way through code that answers with values: queries throw it, routes map it. */
export class RefusedError extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(refusal.detail);
    this.name = 'RefusedError';
    this.refusal = refusal;
  }
}

/** A request that cannot be understood, found out after its shape was checked. */
export class InvalidRequestError extends Error {
  readonly errors: readonly { path: string; message: string }[];
  /** Where the ledger stood, if that was looked at. */
  readonly position: bigint | null;
  constructor(errors: readonly { path: string; message: string }[], position: bigint | null = null) {
    super(errors.map((error) => `${error.path}: ${error.message}`).join('; '));
    this.name = 'InvalidRequestError';
    this.errors = errors;
    this.position = position;
  }
}

export type OperationalCode =
  | 'rate_limited'
  | 'overloaded'
  | 'shutting_down'
  | 'database_unavailable'
  | 'outcome_unknown'
  | 'read_model_behind'
  | 'not_sealed_yet';

/** A condition of the service, not of the request: the same request may pass later. */
export class OperationalError extends Error {
  readonly code: OperationalCode;
  readonly retryAfterSeconds: number;
  /** Where the read model stood, for `read_model_behind`, or the sealed log, for `not_sealed_yet`. */
  readonly position: bigint | null;
  constructor(
    code: OperationalCode,
    message: string,
    options: { retryAfterSeconds: number; position?: bigint; cause?: unknown },
  ) {
    super(message, { cause: options.cause });
    this.name = 'OperationalError';
    this.code = code;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.position = options.position ?? null;
  }
}
