/** What a decision is given and what it gives back: the vocabulary of decide. */
import type { Refusal, UnrecordedRefusalCode } from '../errors.ts';
import {
  currentVersion,
  type EventData,
  type Fact,
  type NewEvent,
  type PersonalValue,
} from '../events/catalog.ts';
import type { LedgerState } from '../events/state.ts';

export type DecisionContext = {
  /** The time of the decision: RFC 3339, whole milliseconds. */
  readonly occurredAt: string;
  readonly nextId: () => string;
  /** hmac(salt, value) in hex, with a salt of this command alone. */
  readonly protect: (value: string) => { readonly digest: string; readonly salt: Uint8Array };
};

/** Events are appended in order and the last one carries the key; a bare refusal is answered and forgotten. */
export type Decision =
  | { readonly kind: 'events'; readonly events: readonly [NewEvent, ...NewEvent[]] }
  | { readonly kind: 'refused'; readonly refusal: Refusal<UnrecordedRefusalCode> }
  /** What was asked for cannot be meant, whatever the balances: answered as a fault of the request, and forgotten. */
  | { readonly kind: 'invalid'; readonly fault: { readonly path: string; readonly message: string } }
  /** There is nothing to do and nobody to be told: of commands of the service itself. */
  | { readonly kind: 'nothing' };

export function newEvent<Type extends Fact['type']>(
  type: Type,
  data: EventData<Type>,
  context: DecisionContext,
  more: { id?: string; relatedId?: string; personal?: readonly PersonalValue[] } = {},
): NewEvent {
  const fact = { type, version: currentVersion[type], data } as unknown as Fact;
  return {
    ...fact,
    id: more.id ?? context.nextId(),
    relatedId: more.relatedId ?? null,
    personal: more.personal ?? [],
  };
}

export function happened(...events: [NewEvent, ...NewEvent[]]): Decision {
  return { kind: 'events', events };
}

export function refused(
  code: UnrecordedRefusalCode,
  detail: string,
  figures: Refusal['figures'] = {},
): Extract<Decision, { kind: 'refused' }> {
  return { kind: 'refused', refusal: { code, detail, figures } };
}

export function invalid(path: string, message: string): Decision {
  return { kind: 'invalid', fault: { path, message } };
}

export function userNotFound(userId: string): Decision {
  return refused('user_not_found', 'There is no user with this id.', { userId });
}

/** Who was erased is named by no command any more. */
export function subjectErased(userId: string): Decision {
  return refused('subject_erased', 'This user was erased.', { userId });
}

/** Null for a user who can be named by a command. */
export function unknownUser(state: LedgerState, userId: string): Decision | null {
  const user = state.users.get(userId);
  if (user === undefined) return userNotFound(userId);
  return user.status === 'ERASED' ? subjectErased(userId) : null;
}

export function assetNotFound(assetSlug: string): Decision {
  return refused('asset_not_found', 'There is no asset with this slug.', { assetSlug });
}
