/**
 * The business rules, and the only place for them: decide(state, command) gives events or a refusal.
 * Pure, synchronous and total. It reads no clock and draws no random numbers: the time, ids and digests
 * it needs are handed in, and everything it looks at was read under the batch's locks.
 */
import type { PersonalValue } from '../events/catalog.ts';
import { TREASURY, type LedgerState } from '../events/state.ts';
import { normalizeEmail } from '../text.ts';
import { decideCapture, decideExpiry, decideHold, decideRelease } from './decide-hold.ts';
import {
  assetShown,
  setAssetLimits,
  setOverdraft,
  setWalletLimits,
  walletShown,
  walletWithAsset,
} from './decide-limits.ts';
import { decideLotExpiry } from './decide-lot.ts';
import { decideErasure } from './decide-erasure.ts';
import { decideReversal } from './decide-reversal.ts';
import { decideCancel, decideRun, decideScheduling } from './decide-schedule.ts';
import { decideTransaction } from './decide-transaction.ts';
import {
  assetNotFound,
  happened,
  newEvent,
  refused,
  subjectErased,
  userNotFound,
  type Decision,
  type DecisionContext,
} from './decision.ts';
import type { Command } from './schemas.ts';

export function decide(state: LedgerState, command: Command, context: DecisionContext): Decision {
  switch (command.kind) {
    case 'user.register':
      return registerUser(state, command, context);
    case 'user.status':
      return setUserStatus(state, command, context);
    case 'user.erase':
      return decideErasure(state, command, context);
    case 'asset.create':
      return createAsset(state, command, context);
    case 'asset.status':
      return setAssetStatus(state, command, context);
    case 'wallet.status':
      return setWalletStatus(state, command, context);
    case 'wallet.overdraft':
      return setOverdraft(state, command, context);
    case 'wallet.limits':
      return setWalletLimits(state, command, context);
    case 'asset.limits':
      return setAssetLimits(state, command, context);
    case 'topup':
    case 'bonus':
    case 'spend':
    case 'transfer':
    case 'exchange':
    case 'postings':
      return decideTransaction(state, command, context);
    case 'hold':
      return decideHold(state, command, context);
    case 'capture':
      return decideCapture(state, command, context);
    case 'release':
      return decideRelease(state, command, context);
    case 'hold.expire':
      return decideExpiry(state, command, context);
    case 'lot.expire':
      return decideLotExpiry(state, command, context);
    case 'reversal':
      return decideReversal(state, command, context);
    case 'schedule.create':
      return decideScheduling(state, command, context, decide);
    case 'schedule.run':
      return decideRun(state, command, context, decide);
    case 'schedule.cancel':
      return decideCancel(state, command, context);
  }
}

type Of<Kind extends Command['kind']> = Extract<Command, { kind: Kind }>;

function registerUser(state: LedgerState, command: Of<'user.register'>, context: DecisionContext): Decision {
  const email = normalizeEmail(command.email);
  const userId = command.id ?? context.nextId();
  if (state.users.has(userId)) return refused('id_taken', 'This id is taken already.', { id: userId });
  if (state.emails.has(email)) return refused('email_taken', 'A user with this e-mail exists already.');
  const { digest, salt } = context.protect(email);
  const personal: PersonalValue = { subjectId: userId, field: 'email', value: email, salt };
  return happened(newEvent('user.registered', { userId, email: digest }, context, { personal: [personal] }));
}

function setUserStatus(state: LedgerState, command: Of<'user.status'>, context: DecisionContext): Decision {
  const { userId, status } = command;
  const user = state.users.get(userId);
  if (user === undefined) return userNotFound(userId);
  if (user.status === 'ERASED') return subjectErased(userId);
  const data = { userId, status, reason: command.reason ?? null, createdAt: user.createdAt };
  return happened(newEvent('user.status_changed', data, context));
}

function createAsset(state: LedgerState, command: Of<'asset.create'>, context: DecisionContext): Decision {
  const { slug } = command;
  if (state.assets.has(slug))
    return refused('slug_taken', 'An asset with this slug exists already.', { slug });
  const supplyCap = command.supplyCap ?? null;
  const assetId = context.nextId();
  const treasury = newEvent(
    'wallet.opened',
    {
      walletId: context.nextId(),
      owner: TREASURY,
      assetId,
      asset: slug,
      floor: supplyCap === null ? null : (-BigInt(supplyCap)).toString(),
    },
    context,
  );
  const scale = (command.scale ?? 0).toString();
  const data = { assetId, slug, name: command.name ?? slug, scale, supplyCap };
  return happened(treasury, newEvent('asset.created', data, context));
}

function setAssetStatus(state: LedgerState, command: Of<'asset.status'>, context: DecisionContext): Decision {
  const asset = state.assets.get(command.slug);
  if (asset === undefined) return assetNotFound(command.slug);
  const data = { ...assetShown(asset), status: command.status, reason: command.reason ?? null };
  return happened(newEvent('asset.status_changed', data, context));
}

function setWalletStatus(
  state: LedgerState,
  command: Of<'wallet.status'>,
  context: DecisionContext,
): Decision {
  const found = walletWithAsset(state, command.walletId);
  if ('kind' in found) return found;
  const data = { ...walletShown(found), status: command.status, reason: command.reason ?? null };
  return happened(newEvent('wallet.status_changed', data, context));
}
