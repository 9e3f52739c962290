/** The fields of a command as it is sent, after defaults: what another one under its key is compared by. */
import { parsedLimits, spelled } from '../events/spend-limits.ts';
import { normalizeEmail } from '../text.ts';
import { askedOfBonus } from './decide-lot.ts';
import { POSTINGS_TYPE, type MovingCommand } from './money-schemas.ts';
import type { Command } from './schemas.ts';

export type Fields = Readonly<Record<string, unknown>>;

export function sorted(
  record: Readonly<Record<string, string>> | null | undefined,
): [string, string][] | null {
  return record ? Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)) : null;
}

/** A command's fields after defaults, to be compared with those an event remembers. */
export function requestOfCommand(command: Command): Fields {
  switch (command.kind) {
    case 'user.register':
      return {
        command: command.kind,
        email: normalizeEmail(command.email),
        ...(command.id && { id: command.id }),
      };
    case 'user.status':
      return {
        command: command.kind,
        userId: command.userId,
        status: command.status,
        reason: command.reason ?? null,
      };
    case 'user.erase':
      return { command: command.kind, userId: command.userId, reason: command.reason ?? null };
    case 'asset.create':
      return {
        command: command.kind,
        slug: command.slug,
        name: command.name ?? command.slug,
        scale: (command.scale ?? 0).toString(),
        supplyCap: command.supplyCap ?? null,
      };
    case 'asset.status':
      return {
        command: command.kind,
        slug: command.slug,
        status: command.status,
        reason: command.reason ?? null,
      };
    case 'wallet.status':
      return {
        command: command.kind,
        walletId: command.walletId,
        status: command.status,
        reason: command.reason ?? null,
      };
    case 'wallet.overdraft':
      return { command: command.kind, walletId: command.walletId, limit: command.limit };
    case 'wallet.limits':
      return { command: command.kind, walletId: command.walletId, ...spelled(parsedLimits(command)) };
    case 'asset.limits':
      return { command: command.kind, slug: command.slug, ...spelled(parsedLimits(command)) };
    case 'topup':
    case 'bonus':
    case 'spend':
    case 'transfer':
    case 'exchange':
    case 'postings':
    case 'hold':
    case 'capture':
    case 'release':
    case 'hold.expire':
    case 'lot.expire':
    case 'reversal':
      return requestOfMoney(command);
    case 'schedule.create':
      return { ...requestOfMoney(command.command), executeAt: command.executeAt };
    case 'schedule.run':
      return { command: command.kind, scheduleId: command.scheduleId };
    case 'schedule.cancel':
      return { command: command.kind, scheduleId: command.scheduleId, reason: command.reason ?? null };
  }
}

export function requestOfMoney(command: MovingCommand): Fields {
  switch (command.kind) {
    case 'topup':
    case 'bonus':
    case 'spend':
    case 'transfer':
      return {
        command: command.kind,
        ...(command.kind === 'transfer'
          ? { fromUserId: command.fromUserId, toUserId: command.toUserId }
          : { userId: command.userId }),
        assetSlug: command.assetSlug,
        amount: command.amount,
        reference: command.reference ?? null,
        metadata: sorted(command.metadata),
        personalMetadata: command.personalMetadata?.toSorted() ?? null,
        ...(command.kind === 'bonus' && endOf(askedOfBonus(command).asked)),
      };
    case 'exchange':
      return {
        command: command.kind,
        ...{ userId: command.userId, fromAsset: command.fromAsset, toAsset: command.toAsset },
        ...{ amount: command.amount, rate: command.rate ?? null, toAmount: command.toAmount ?? null },
        reference: command.reference ?? null,
        metadata: sorted(command.metadata),
        personalMetadata: command.personalMetadata?.toSorted() ?? null,
      };
    case 'postings':
      return {
        command: command.kind,
        type: command.type ?? POSTINGS_TYPE,
        postings: command.postings.map(({ assetSlug, amount }) => [assetSlug, amount]),
        reference: command.reference ?? null,
        metadata: sorted(command.metadata),
      };
    case 'hold':
      return {
        command: command.kind,
        ...{ userId: command.userId, assetSlug: command.assetSlug, amount: command.amount },
        expiresInSeconds: command.expiresInSeconds?.toString() ?? null,
        reference: command.reference ?? null,
      };
    case 'capture':
      return {
        command: command.kind,
        holdId: command.holdId,
        amount: command.amount ?? null,
        final: command.final?.toString() ?? null,
        to: command.to === undefined ? null : JSON.stringify(command.to),
      };
    case 'release':
    case 'hold.expire':
      return { command: command.kind, holdId: command.holdId };
    case 'lot.expire':
      return { command: command.kind, lotId: command.lotId };
    case 'reversal':
      return {
        command: command.kind,
        transactionId: command.transactionId,
        amount: command.amount ?? null,
        reason: command.reason ?? null,
        force: command.force?.toString() ?? null,
      };
  }
}

/** When a bonus ends, as it was asked for. */
export function endOf(asked: Readonly<Record<string, string | null>> | undefined): Fields {
  return { expiresAt: asked?.['expiresAt'] ?? null, expiresInDays: asked?.['expiresInDays'] ?? null };
}
