/** The HTTP answer that a recorded command was given, rebuilt from its event. */
import { outcomeOf } from '../events/outcome.ts';
import type { StoredEvent } from '../events/read.ts';
import { pathOfKind } from './money-commands.ts';
import { problemOfRefusal } from './problems.ts';

export type RememberedAnswer = {
  readonly status: number;
  readonly position: string;
  readonly outcome: unknown;
};

/** Null when the answer showed personal data that is gone. */
export function rememberedAnswer(stored: StoredEvent): RememberedAnswer | null {
  const outcome = outcomeOf(stored);
  const position = stored.position.toString();
  switch (outcome.kind) {
    case 'accepted':
      return { status: outcome.scheduled === true ? 202 : 201, position, outcome: outcome.body };
    case 'refused': {
      const problem = problemOfRefusal(outcome.refusal, pathOfRefused(stored));
      return { status: problem.status, position, outcome: problem };
    }
    case 'erased':
      return null;
  }
}

/** The path of the request that was refused: its `instance`. */
function pathOfRefused(stored: StoredEvent): string {
  if (stored.type !== 'transaction.rejected') throw new Error(`${stored.type} is not a refusal`);
  const { type, userId } = stored.data;
  return type === 'user.erase' ? `/users/${userId}/erase` : pathOfKind(type, stored.relatedId);
}
