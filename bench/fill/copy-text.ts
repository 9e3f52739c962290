// Lines of COPY's text format, a row each, for the tables of a ledger.

import { canonicalJson } from '../../src/events/canonical.ts';
import { ownerKey, type Hold, type PersonalValue } from '../../src/events/catalog.ts';
import type { AssetState, UserState, WalletState } from '../../src/events/state.ts';
import type { WrittenEvent } from './history.ts';

/** The columns of each table in the order of its lines. Tables of heads are written when all has happened. */
export const COPIED = {
  events:
    'ledger_id, position, id, type, version, idempotency_key, fingerprint, actor, correlation_id, related_id, data, occurred_at, recorded_at',
  ledger_entries:
    'ledger_id, position, leg, wallet_id, asset_id, seq, amount, balance_after, held_after, recorded_at',
  idempotency_keys: 'ledger_id, key_hash, position',
  personal: 'ledger_id, subject_id, field, value, salt',
  holds: 'ledger_id, id, wallet_id, amount, captured, remaining, status, expires_at',
  users: 'ledger_id, id, status, created_at',
  assets: 'ledger_id, id, slug, name, scale, supply_cap, status, created_at',
  wallets: 'ledger_id, id, owner, is_system, asset_id, balance, held, floor, seq, status, opened_at',
} as const;

export type CopiedTable = keyof typeof COPIED;

const NULL = '\\N';

export function eventLine(ledgerId: number, written: WrittenEvent): string {
  const { event, key, position, actor, correlationId, occurredAt, recordedAt } = written;
  const keyed = key === null ? `${NULL}\t${NULL}` : `${text(key.text)}\t${bytes(key.fingerprint)}`;
  const { id, type, version, relatedId } = event;
  const data = text(canonicalJson(event.data));
  return `${ledgerId}\t${position}\t${id}\t${type}\t${version}\t${keyed}\t${actor}\t${correlationId ?? NULL}\t${relatedId ?? NULL}\t${data}\t${occurredAt}\t${recordedAt}\n`;
}

export function entryLines(ledgerId: number, { entries, position, recordedAt }: WrittenEvent): string {
  let lines = '';
  for (const { leg, walletId, assetId, seq, amount, balanceAfter, heldAfter } of entries) {
    lines += `${ledgerId}\t${position}\t${leg}\t${walletId}\t${assetId}\t${seq}\t${amount}\t${balanceAfter}\t${heldAfter}\t${recordedAt}\n`;
  }
  return lines;
}

export function keyLine(ledgerId: number, { key, position }: WrittenEvent): string {
  return key === null ? '' : `${ledgerId}\t${bytes(key.hash)}\t${position}\n`;
}

export function personalLine(ledgerId: number, { subjectId, field, value, salt }: PersonalValue): string {
  return `${ledgerId}\t${subjectId}\t${text(field)}\t${text(value)}\t${bytes(salt)}\n`;
}

export function holdLine(ledgerId: number, hold: Hold): string {
  const { holdId, walletId, amount, captured, remaining, status, expiresAt } = hold;
  return `${ledgerId}\t${holdId}\t${walletId}\t${amount}\t${captured}\t${remaining}\t${status}\t${expiresAt ?? NULL}\n`;
}

export function userLine(ledgerId: number, { id, status, createdAt }: UserState): string {
  return `${ledgerId}\t${id}\t${status}\t${createdAt}\n`;
}

export function assetLine(ledgerId: number, asset: AssetState, createdAt: string): string {
  const { id, slug, name, scale, supplyCap, status } = asset;
  return `${ledgerId}\t${id}\t${slug}\t${text(name)}\t${scale}\t${supplyCap ?? NULL}\t${status}\t${createdAt}\n`;
}

export function walletLine(ledgerId: number, wallet: WalletState, openedAt: string): string {
  const { id, owner, assetId, balance, held, floor, seq, status } = wallet;
  const owned = `${ownerKey(owner)}\t${'system' in owner}`;
  return `${ledgerId}\t${id}\t${owned}\t${assetId}\t${balance}\t${held}\t${floor ?? NULL}\t${seq}\t${status}\t${openedAt}\n`;
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

function text(value: string): string {
  return /[\\\t\n\r]/.test(value) ? value.replaceAll(/[\\\t\n\r]/g, (found) => ESCAPES[found]!) : value;
}

function bytes(value: Uint8Array): string {
  return `\\\\x${Buffer.from(value.buffer, value.byteOffset, value.length).toString('hex')}`;
}
