/**
 * One key, one outcome, for ever. The event that carries a key is the stored response; the fingerprint beside
 * it tells a retry from another request under the same key.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Refusal } from '../errors.ts';
import { withPersonal } from '../events/transaction-resource.ts';
import type { StoredEvent } from '../events/read.ts';
import { normalizeEmail } from '../text.ts';
import type { Command } from './schemas.ts';

/** 1 to 255 visible ASCII characters. */
const USABLE_KEY = /^[\x21-\x7e]{1,255}$/;

export function isUsableKey(key: string): boolean {
  return USABLE_KEY.test(key);
}

const PLAIN = 1;
const SALTED = 2;

/** Version byte and SHA-256; keyed with the salt of the personal values where the request holds any. */
export function fingerprint(canonicalRequest: string, salt: Uint8Array | null): Buffer {
  return salt === null
    ? Buffer.concat([Buffer.of(PLAIN), createHash('sha256').update(canonicalRequest).digest()])
    : Buffer.concat([Buffer.of(SALTED), createHmac('sha256', salt).update(canonicalRequest).digest()]);
}

/** `erased` when the salt that the stored fingerprint needs is gone with the person. */
export function compareFingerprint(
  stored: StoredEvent,
  canonicalRequest: string,
): 'same' | 'other' | 'erased' {
  const known = stored.fingerprint;
  if (known === null)
    throw new Error(`event at position ${stored.position} carries a key without a fingerprint`);
  const salted = known[0] === SALTED;
  if (salted && stored.salt === null) return 'erased';
  const asked = fingerprint(canonicalRequest, salted ? stored.salt : null);
  return asked.length === known.length && timingSafeEqual(asked, known) ? 'same' : 'other';
}

/** The refusal for a key that was used for another request; names the fields, never their values. */
export function keyReused(stored: StoredEvent, command: Command): Refusal<'idempotency_key_reused'> {
  return reused(differingFields(requestOfEvent(stored), requestOfCommand(command)));
}

export function keyReusedBy(first: Command, second: Command): Refusal<'idempotency_key_reused'> {
  return reused(differingFields(requestOfCommand(first), requestOfCommand(second)));
}

function reused(differs: string[]): Refusal<'idempotency_key_reused'> {
  const detail = `This Idempotency-Key belongs to another request, which differs in: ${differs.join(', ')}.`;
  return { code: 'idempotency_key_reused', detail, figures: { differs } };
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * Requests may also differ in spelling alone: a default written out, a null, capitals in an id or an e-mail. The log
 * does not say which, so all fields that have two spellings are named.
 */
function differingFields(stored: Fields, asked: Fields): string[] {
  const names = [...new Set([...Object.keys(stored), ...Object.keys(asked)])];
  const differing = names.filter(
    // An id that was not asked for was drawn by the service.
    (name) =>
      (name !== 'id' || 'id' in asked) && JSON.stringify(stored[name]) !== JSON.stringify(asked[name]),
  );
  return differing.length > 0 ? differing : names.filter((name) => TWO_SPELLINGS.has(name));
}

const TWO_SPELLINGS = new Set([
  'id',
  'userId',
  'fromUserId',
  'toUserId',
  'walletId',
  'email',
  'name',
  'scale',
  'supplyCap',
  'reason',
  'reference',
  'metadata',
  'personalMetadata',
]);

function sorted(record: Readonly<Record<string, string>> | null | undefined): [string, string][] | null {
  return record ? Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)) : null;
}

/** A command's fields after defaults, to be compared with those an event remembers. */
function requestOfCommand(command: Command): Fields {
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
      };
  }
}

function requestOfEvent(event: StoredEvent): Fields {
  switch (event.type) {
    case 'user.registered':
      return { command: 'user.register', email: event.personal?.get('email'), id: event.data.userId };
    case 'user.status_changed':
      return { command: 'user.status', ...pick(event.data, ['userId', 'status', 'reason']) };
    case 'asset.created':
      return { command: 'asset.create', ...pick(event.data, ['slug', 'name', 'scale', 'supplyCap']) };
    case 'asset.status_changed':
      return { command: 'asset.status', ...pick(event.data, ['slug', 'status', 'reason']) };
    case 'wallet.status_changed':
      return { command: 'wallet.status', ...pick(event.data, ['walletId', 'status', 'reason']) };
    case 'transaction.posted':
    case 'transaction.rejected': {
      const { type, userId, toUserId, asset, amount, reference } = event.data;
      const parties = toUserId === undefined ? { userId } : { fromUserId: userId, toUserId };
      const shown = withPersonal(event, event.data);
      const metadata = shown === 'erased' ? null : sorted(shown.metadata);
      const personalMetadata = Object.keys(event.data.personalMetadata ?? {}).sort();
      return {
        command: type,
        ...parties,
        assetSlug: asset,
        amount,
        reference,
        metadata,
        personalMetadata: personalMetadata.length > 0 ? personalMetadata : null,
      };
    }
    case 'wallet.opened':
      throw new Error('wallet.opened never carries a key');
  }
}

function pick<Data extends object, Name extends keyof Data>(data: Data, names: Name[]): Fields {
  return Object.fromEntries(names.map((name) => [name, data[name]]));
}
