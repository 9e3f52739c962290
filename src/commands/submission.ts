/** A command on its way through the queue, and the answer its caller waits for. */
import type { Outcome } from '../events/outcome.ts';
import type { Refusal } from '../errors.ts';
import type { Command } from './schemas.ts';

export type Request = {
  readonly command: Command;
  /** Null for a command of the service itself, which nobody retries: what is done already is not done again. */
  readonly idempotencyKey: string | null;
  /** Canonical JSON of command name, path parameters and body as sent: what the fingerprint is taken of. */
  readonly canonicalRequest: string;
  readonly actor: string;
  readonly correlationId: string | null;
};

export type Answer = {
  readonly outcome:
    | Outcome
    | { readonly kind: 'refused'; readonly refusal: Refusal }
    /** The request cannot be meant. */
    | { readonly kind: 'invalid'; readonly fault: { readonly path: string; readonly message: string } }
    | { readonly kind: 'nothing' };
  /** Where the answer is recorded; null for a refusal that is not remembered. */
  readonly position: bigint | null;
  /** True when an earlier request with this key had the answer already. */
  readonly replayed: boolean;
};

/** Why one request was not done that was submitted with others, each for itself. */
export type Failed = { readonly failed: unknown };

/** What became of a submission. */
export type Settlement =
  /** One answer for each request, in their order. */
  | { readonly kind: 'answered'; readonly answers: readonly Answer[] }
  /** Of one that is not atomic: the same where its requests were run one by one, so that some of them may have failed. */
  | { readonly kind: 'answered_in_part'; readonly answers: readonly (Answer | Failed)[] }
  /** Of an atomic submission: one request was refused, so none was done. */
  | { readonly kind: 'batch_refused'; readonly index: number; readonly answer: Answer }
  /** Of an atomic submission: some of its keys are known, others not, so it is not the one that was sent before. */
  | { readonly kind: 'keys_known_in_part'; readonly known: readonly number[] };

export type Submission = {
  readonly requests: readonly Request[];
  /** All of the requests are done, or none. */
  readonly atomic: boolean;
  /**
   * Ids of the events under which this submission was sent to the database. After a broken commit, an event
   * with one of these ids is this submission's own first answer and not a replay.
   */
  readonly attemptedEventIds: string[];
  readonly settle: (settlement: Settlement) => void;
  readonly fail: (error: unknown) => void;
};
