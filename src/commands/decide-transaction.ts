/** The rules of top-up, bonus, spend, transfer, exchange and postings: money that moves from owner to owner. */
import type { EventData, NewEvent, Owner, PersonalValue } from '../events/catalog.ts';
import { personalMetadataField } from '../events/transaction-resource.ts';
import { TREASURY, type LedgerState } from '../events/state.ts';
import { askedOfBonus, expiryFault, intoLot, lotOf } from './decide-lot.ts';
import { happened, newEvent, type Decision, type DecisionContext } from './decision.ts';
import { termsOf } from './exchange-terms.ts';
import {
  POSTINGS_TYPE,
  type BonusCommand,
  type ExchangeCommand,
  type MoneyCommand,
  type PostingsCommand,
  type TransferCommand,
} from './money-schemas.ts';
import { missingFrom, pay, type Movement, type RecordedRefusal } from './postings.ts';

type Requested = EventData<'transaction.rejected'>;

type TransactionCommand = MoneyCommand | BonusCommand | TransferCommand | ExchangeCommand | PostingsCommand;

export function decideTransaction(
  state: LedgerState,
  command: TransactionCommand,
  context: DecisionContext,
): Decision {
  if (command.kind === 'bonus') {
    const fault = expiryFault(command, context);
    if (fault !== null) return fault;
  }
  const movements = movementsOf(command);
  const missing = missingFrom(state, movements);
  if (missing !== null) return missing;

  const transactionId = context.nextId();
  const { personal, request } = describe(command, transactionId, context);
  const finish = { id: transactionId, personal };
  const lot = command.kind === 'bonus' ? lotOf(command, transactionId, context) : null;
  const paid = pay(state, lot === null ? movements : intoLot(movements, lot), context);
  if (paid.kind === 'refused')
    return afterOpening(paid.opened, rejection(request, paid.refusal, context, finish));
  const data = { ...request, postings: [...paid.postings], ...(lot === null ? {} : { lot }) };
  return afterOpening(paid.opened, newEvent('transaction.posted', data, context, finish));
}

export function afterOpening(opened: readonly NewEvent[], last: NewEvent): Decision {
  const [first, ...rest] = opened;
  return first === undefined ? happened(last) : happened(first, ...rest, last);
}

function movementsOf(command: TransactionCommand): Movement[] {
  if (command.kind === 'postings') {
    return command.postings.map(({ from, to, assetSlug, amount }) => {
      return { from, to, assetSlug, amount: BigInt(amount) };
    });
  }
  if (command.kind === 'exchange') return movementsOfExchange(command);
  const { assetSlug } = command;
  return [{ ...partiesOf(command), assetSlug, amount: BigInt(command.amount) }];
}

/** The user pays first: what is not there is not exchanged, whatever the supply cap says of the other asset. */
function movementsOfExchange(command: ExchangeCommand): Movement[] {
  const user = { userId: command.userId };
  const { fromAsset, toAsset, amount, toAmount } = termsOf(command);
  return [
    { from: user, to: TREASURY, assetSlug: fromAsset, amount: BigInt(amount) },
    { from: TREASURY, to: user, assetSlug: toAsset, amount: BigInt(toAmount) },
  ];
}

function partiesOf(command: MoneyCommand | BonusCommand | TransferCommand): { from: Owner; to: Owner } {
  switch (command.kind) {
    case 'topup':
    case 'bonus':
      return { from: TREASURY, to: { userId: command.userId } };
    case 'spend':
      return { from: { userId: command.userId }, to: TREASURY };
    case 'transfer':
      return { from: { userId: command.fromUserId }, to: { userId: command.toUserId } };
  }
}

export type Described = Omit<Requested, 'code' | 'detail' | 'figures'>;

/** The request as events tell it, with what is personal replaced by digests. */
function describe(
  command: TransactionCommand,
  transactionId: string,
  context: DecisionContext,
): { request: Described; personal: readonly PersonalValue[] } {
  if (command.kind === 'postings') {
    const request = {
      type: command.type ?? POSTINGS_TYPE,
      asset: null,
      userId: null,
      amount: null,
      reference: command.reference ?? null,
      metadata: command.metadata ?? null,
    };
    return { request, personal: [] };
  }
  const subjectId = command.kind === 'transfer' ? command.fromUserId : command.userId;
  const { plain, digests, personal } = protectMetadata(command, { id: transactionId, subjectId }, context);
  const request = {
    type: command.kind,
    asset: command.kind === 'exchange' ? command.fromAsset : command.assetSlug,
    userId: subjectId,
    ...(command.kind === 'transfer' ? { toUserId: command.toUserId } : {}),
    amount: command.amount,
    reference: command.reference ?? null,
    metadata: plain,
    ...(digests === null ? {} : { personalMetadata: digests }),
    ...(command.kind === 'bonus' ? askedOfBonus(command) : {}),
    ...(command.kind === 'exchange' ? { exchange: termsOf(command) } : {}),
  };
  return { request, personal };
}

/** Metadata as events may hold it, and beside it the values that they may not, kept for the event with the id. */
export function protectMetadata(
  command: {
    readonly metadata?: Readonly<Record<string, string>> | null | undefined;
    readonly personalMetadata?: readonly string[] | undefined;
  },
  of: { readonly id: string; readonly subjectId: string },
  context: DecisionContext,
): {
  readonly plain: Record<string, string> | null;
  /** Null where nothing is personal. */
  readonly digests: Record<string, string> | null;
  readonly personal: readonly PersonalValue[];
} {
  if (!command.metadata) return { plain: null, digests: null, personal: [] };
  const personal: PersonalValue[] = [];
  const digests: Record<string, string> = {};
  const plain: Record<string, string> = {};
  const personalNames = new Set(command.personalMetadata);
  for (const [name, value] of Object.entries(command.metadata)) {
    if (!personalNames.has(name)) {
      plain[name] = value;
      continue;
    }
    const { digest, salt } = context.protect(value);
    digests[name] = digest;
    personal.push({ subjectId: of.subjectId, field: personalMetadataField(of.id, name), value, salt });
  }
  return { plain, digests: personal.length > 0 ? digests : null, personal };
}

export function rejection(
  request: Described,
  refusal: RecordedRefusal,
  context: DecisionContext,
  more: { id: string; personal?: readonly PersonalValue[]; relatedId?: string },
): NewEvent {
  const { code, detail, figures } = refusal;
  const data: Requested = { ...request, code, detail, figures: { ...figures } as Requested['figures'] };
  return newEvent('transaction.rejected', data, context, more);
}
