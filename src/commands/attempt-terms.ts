/** What an attempt at a batch is given, what it comes to, and how it can fail. */
import type { Appended } from '../events/append.ts';
import type { ContextSource, KeyedSubmission } from './decide-batch.ts';
import type { DirectoryCache } from './directory-cache.ts';
import type { KnownHeads } from './known-heads.ts';
import type { Command } from './schemas.ts';
import type { Settlement } from './submission.ts';

/**
 * `policy_moved` and `wallet_appeared` are no errors of anyone: the batch simply has to start again.
 * `ambiguous`: the connection was lost after COMMIT was sent, and nobody knows yet what became of it.
 */
export class AttemptError extends Error {
  readonly reason: 'policy_moved' | 'wallet_appeared' | 'ambiguous' | 'failed';
  constructor(reason: AttemptError['reason'], cause?: unknown) {
    super(`attempt at a batch: ${reason}`, { cause });
    this.name = 'AttemptError';
    this.reason = reason;
  }
}

export type AttemptOptions = {
  readonly ledgerId: number;
  readonly cache: DirectoryCache;
  readonly known: KnownHeads;
  readonly contextFor: ContextSource;
  readonly batch: readonly KeyedSubmission[];
  /** After a lost race: take the head row before reading, so that the race cannot be lost again. */
  readonly headFirst: boolean;
  readonly turn: Turn;
};

/** A batch's place among those of its queue. */
export type Turn = {
  /** Resolves when the batch before it has ended, however; null when it has. */
  readonly before: Promise<void> | null;
  /** Called once all of it was sent and holds its locks: another may be decided from what it will leave. */
  readonly departed: () => void;
};

export type AttemptResult = {
  /** One for each submission of the batch. */
  readonly settlements: readonly Settlement[];
  readonly appended: Appended | null;
  readonly events: number;
};

export function commandsOf(batch: readonly KeyedSubmission[]): Command[] {
  const commands: Command[] = [];
  for (const { submission } of batch) for (const { command } of submission.requests) commands.push(command);
  return commands;
}
