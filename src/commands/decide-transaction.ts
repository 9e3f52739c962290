/** The rules of money that moves: top-up, bonus, spend and transfer are postings between two owners. */
import type { RecordedRefusalCode, Refusal } from '../errors.ts';
import {
  ownerKey,
  type EventData,
  type NewEvent,
  type Owner,
  type PersonalValue,
} from '../events/catalog.ts';
import { personalMetadataField } from '../events/transaction-resource.ts';
import {
  available,
  openedWallet,
  walletOf,
  type AssetState,
  type LedgerState,
  type WalletState,
} from '../events/state.ts';
import { isInRange } from '../money.ts';
import {
  assetNotFound,
  happened,
  newEvent,
  userNotFound,
  type Decision,
  type DecisionContext,
} from './decision.ts';
import type { MoneyCommand, TransferCommand } from './schemas.ts';

const TREASURY: Owner = { system: 'treasury' };

type Requested = EventData<'transaction.rejected'>;
type RecordedRefusal = Refusal<RecordedRefusalCode>;

/** Who pays and who receives. */
type Parties = { readonly from: Owner; readonly to: Owner };

export function decideTransaction(
  state: LedgerState,
  command: MoneyCommand | TransferCommand,
  context: DecisionContext,
): Decision {
  const parties = partiesOf(command);
  for (const party of [parties.from, parties.to]) {
    if ('userId' in party && !state.users.has(party.userId)) return userNotFound(party.userId);
  }
  const asset = state.assets.get(command.assetSlug);
  if (asset === undefined) return assetNotFound(command.assetSlug);

  const transactionId = context.nextId();
  const { personal, request } = describe(command, transactionId, context);
  const finish = { id: transactionId, personal };
  const barred = statusRefusal(state, parties, asset);
  if (barred !== null) return happened(rejection(request, barred, context, finish));

  const opened: NewEvent[] = [];
  const from = walletOf(state, parties.from, asset.slug) ?? openWallet(parties.from, asset, opened, context);
  const payment = { from, amount: BigInt(command.amount), asset };
  const unaffordable = paymentRefusal(payment);
  if (unaffordable !== null) return afterOpening(opened, rejection(request, unaffordable, context, finish));

  const to = walletOf(state, parties.to, asset.slug) ?? openWallet(parties.to, asset, opened, context);
  const fromBalance = from.balance - payment.amount;
  const toBalance = to.balance + payment.amount;
  if (!isInRange(fromBalance) || !isInRange(toBalance)) {
    return afterOpening(opened, rejection(request, outOfRange(payment.amount), context, finish));
  }
  const posting = {
    asset: asset.slug,
    amount: command.amount,
    from: { walletId: from.id, balanceAfter: fromBalance.toString() },
    to: { walletId: to.id, balanceAfter: toBalance.toString() },
  };
  const posted = newEvent('transaction.posted', { ...request, postings: [posting] }, context, finish);
  return afterOpening(opened, posted);
}

function afterOpening(opened: readonly NewEvent[], last: NewEvent): Decision {
  const [first, ...rest] = opened;
  return first === undefined ? happened(last) : happened(first, ...rest, last);
}

function partiesOf(command: MoneyCommand | TransferCommand): Parties {
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

type Described = Omit<Requested, 'code' | 'detail' | 'figures'>;

/** The request as events tell it, with what is personal replaced by digests. */
function describe(
  command: MoneyCommand | TransferCommand,
  transactionId: string,
  context: DecisionContext,
): { request: Described; personal: PersonalValue[] } {
  const subjectId = command.kind === 'transfer' ? command.fromUserId : command.userId;
  const personal: PersonalValue[] = [];
  const digests: Record<string, string> = {};
  const plain: Record<string, string> = {};
  const personalNames = new Set(command.personalMetadata);
  for (const [name, value] of Object.entries(command.metadata ?? {})) {
    if (!personalNames.has(name)) {
      plain[name] = value;
      continue;
    }
    const { digest, salt } = context.protect(value);
    digests[name] = digest;
    personal.push({ subjectId, field: personalMetadataField(transactionId, name), value, salt });
  }
  const request = {
    type: command.kind,
    asset: command.assetSlug,
    userId: subjectId,
    ...(command.kind === 'transfer' ? { toUserId: command.toUserId } : {}),
    amount: command.amount,
    reference: command.reference ?? null,
    metadata: command.metadata ? plain : null,
    ...(personal.length > 0 ? { personalMetadata: digests } : {}),
  };
  return { request, personal };
}

function statusRefusal(state: LedgerState, parties: Parties, asset: AssetState): RecordedRefusal | null {
  for (const party of [parties.from, parties.to]) {
    if ('userId' in party && state.users.get(party.userId)?.status === 'BANNED') {
      return { code: 'user_banned', detail: 'The user is banned.', figures: { userId: party.userId } };
    }
  }
  if (asset.status === 'FROZEN') {
    return { code: 'asset_frozen', detail: 'The asset is frozen.', figures: { asset: asset.slug } };
  }
  for (const party of [parties.from, parties.to]) {
    const wallet = walletOf(state, party, asset.slug);
    if (wallet?.status === 'FROZEN') {
      return { code: 'wallet_frozen', detail: 'The wallet is frozen.', figures: { walletId: wallet.id } };
    }
  }
  return null;
}

function paymentRefusal(payment: {
  from: WalletState;
  amount: bigint;
  asset: AssetState;
}): RecordedRefusal | null {
  const { from, amount, asset } = payment;
  const free = available(from);
  if (from.floor === null || free - amount >= from.floor) return null;
  if (ownerKey(from.owner) === 'treasury') {
    const circulation = -from.balance;
    return {
      code: 'supply_cap_exceeded',
      detail: `The supply cap is ${-from.floor}, ${circulation} are in circulation, ${amount} more were asked for.`,
      figures: {
        asset: asset.slug,
        supplyCap: (-from.floor).toString(),
        circulation: circulation.toString(),
      },
    };
  }
  return {
    code: 'insufficient_funds',
    detail: `The wallet has ${free} available, ${amount} are required.`,
    figures: { available: free.toString(), required: amount.toString() },
  };
}

function outOfRange(amount: bigint): RecordedRefusal {
  return {
    code: 'balance_out_of_range',
    detail: 'A balance would have more than 38 digits.',
    figures: { amount: amount.toString() },
  };
}

function rejection(
  request: Described,
  refusal: RecordedRefusal,
  context: DecisionContext,
  more: { id: string; personal: readonly PersonalValue[] },
): NewEvent {
  const { code, detail, figures } = refusal;
  const data: Requested = { ...request, code, detail, figures: { ...figures } as Requested['figures'] };
  return newEvent('transaction.rejected', data, context, more);
}

/** Opens the wallet of an owner who has none in this asset, adding the event that does so to `opened`. */
function openWallet(
  owner: Owner,
  asset: AssetState,
  opened: NewEvent[],
  context: DecisionContext,
): WalletState {
  const walletId = context.nextId();
  const data = { walletId, owner, assetId: asset.id, asset: asset.slug, floor: '0' };
  opened.push(newEvent('wallet.opened', data, context));
  return openedWallet(data);
}
