/** What a request with a key that the log knows is answered: what it was answered first, if it is the same and can still be shown. */
import { outcomeOf } from '../events/outcome.ts';
import { personalFieldsOf } from '../events/personal-fields.ts';
import type { StoredEvent } from '../events/read.ts';
import type { LedgerState } from '../events/state.ts';
import { compareFingerprint, keyReused } from './idempotency.ts';
import type { Answer, Request, Submission } from './submission.ts';

/** Not the first answer again: that one is gone. */
const ERASED: Answer = { outcome: { kind: 'erased' }, position: null, replayed: false };

export function answerFromLog(
  state: LedgerState,
  { submission, request }: { submission: Submission; request: Request },
  read: StoredEvent,
): Answer {
  const stored = withoutErased(state, read);
  switch (compareFingerprint(stored, request.canonicalRequest)) {
    case 'same': {
      const outcome = outcomeOf(stored);
      if (outcome.kind === 'erased') return ERASED;
      const replayed = !submission.attemptedEventIds.includes(stored.id);
      return { outcome, position: stored.position, replayed };
    }
    case 'erased':
      return ERASED;
    case 'other': {
      const refusal = keyReused(stored, request.command);
      return { outcome: { kind: 'refused', refusal }, position: null, replayed: false };
    }
  }
}

/** Personal values were read before the batch was decided: an erasure earlier in the batch takes them away. */
function withoutErased(state: LedgerState, stored: StoredEvent): StoredEvent {
  const erased = personalFieldsOf(stored).some(
    ({ subjectId }) => state.users.get(subjectId)?.status === 'ERASED',
  );
  return erased ? { ...stored, personal: new Map(), salt: null } : stored;
}
