/** A command on its way through the queue, and the answer its caller waits for. */
import type { Outcome } from '../events/outcome.ts';
import type { Refusal } from '../errors.ts';
import type { Command } from './schemas.ts';

export type Request = {
  readonly command: Command;
  readonly idempotencyKey: string;
  /** Canonical JSON of command name, path parameters and body as sent: what the fingerprint is taken of. */
  readonly canonicalRequest: string;
  readonly actor: string;
  readonly correlationId: string | null;
};

export type Answer = {
  readonly outcome: Outcome | { readonly kind: 'refused'; readonly refusal: Refusal };
  /** Where the answer is recorded; null for a refusal that is not remembered. */
  readonly position: bigint | null;
  /** True when an earlier request with this key had the answer already. */
  readonly replayed: boolean;
};

export type Submission = {
  readonly request: Request;
  /**
   * Ids of the events under which this submission was sent to the database. After a broken commit, an event
   * with one of these ids is this submission's own first answer and not a replay.
   */
  readonly attemptedEventIds: Set<string>;
  readonly settle: (answer: Answer) => void;
  readonly fail: (error: unknown) => void;
};
