/** What a batch comes to: what is appended, and, once the positions are known, what each caller is told. */
import type { PreparedEvent } from '../events/append.ts';
import type { Lot } from '../events/lots.ts';
import { outcomeOf } from '../events/outcome.ts';
import type { WalletState } from '../events/state.ts';
import type { Answer, Settlement } from './submission.ts';

/** An answer already known, or one that awaits the position of an event of this batch. */
export type Planned =
  | { readonly kind: 'known'; readonly answer: Answer }
  | { readonly kind: 'appended'; readonly index: number; readonly replayed: boolean };

/** What a submission will be told, once the positions are known. */
export type PlannedSettlement =
  | { readonly kind: 'answered'; readonly planned: readonly Planned[] }
  | { readonly kind: 'batch_refused'; readonly index: number; readonly planned: Planned }
  | { readonly kind: 'keys_known_in_part'; readonly known: readonly number[] };

export type BatchPlan = {
  readonly occurredAt: string;
  readonly events: readonly PreparedEvent[];
  /** Final values of the wallets that were opened or changed, by id. */
  readonly wallets: readonly WalletState[];
  /** Final values of the lots that were opened or changed. */
  readonly lots: readonly Lot[];
  readonly raisesPolicy: boolean;
  /** In the order of the submissions. */
  readonly settlements: readonly PlannedSettlement[];
};

/** Whether every answer rests on an event of the plan itself, and so every key of the batch on what is appended. */
export function isAppendedWhole({ settlements }: BatchPlan): boolean {
  return settlements.every(
    (settlement) =>
      settlement.kind === 'answered' && settlement.planned.every(({ kind }) => kind === 'appended'),
  );
}

/** Personal values by event id, for the answers that show them. */
export type PersonalByEvent = ReadonlyMap<string, ReadonlyMap<string, string>>;

type Places = { readonly firstPosition: bigint; readonly recordedAt: string };

/** What the submissions of a batch are told once it was appended (or had nothing to append), in their order. */
export function settlementsOf(
  plan: BatchPlan,
  appended: Places | null,
  personal: PersonalByEvent,
): Settlement[] {
  const tell = (planned: Planned): Answer => answerOf(plan, planned, { appended, personal });
  return plan.settlements.map((settlement): Settlement => {
    switch (settlement.kind) {
      case 'answered':
        return { kind: 'answered', answers: settlement.planned.map(tell) };
      case 'batch_refused':
        return { kind: 'batch_refused', index: settlement.index, answer: tell(settlement.planned) };
      case 'keys_known_in_part':
        return settlement;
    }
  });
}

function answerOf(
  plan: BatchPlan,
  planned: Planned,
  given: { appended: Places | null; personal: PersonalByEvent },
): Answer {
  if (planned.kind === 'known') return planned.answer;
  const prepared = plan.events[planned.index];
  const { appended, personal } = given;
  if (prepared === undefined || appended === null)
    throw new Error('an answer awaits an event that was not appended');
  const { event } = prepared;
  const position = appended.firstPosition + BigInt(planned.index);
  const outcome = outcomeOf({
    ...event,
    position,
    occurredAt: plan.occurredAt,
    recordedAt: appended.recordedAt,
    personal: personal.get(event.id) ?? null,
  });
  return { outcome, position, replayed: planned.replayed };
}
