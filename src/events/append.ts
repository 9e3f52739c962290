/**
 * Appends a decided batch in one statement. The head row of the ledger is the last lock in the order and is
 * held until commit, so positions have no gaps and grow in commit order: whoever has seen position p has
 * seen everything before it.
 */
import type { Transaction } from '../db/transaction.ts';
import { canonicalJson } from './canonical.ts';
import { ownerKey, type NewEvent } from './catalog.ts';
import type { Entry } from './evolve.ts';
import type { WalletState } from './state.ts';

/** What accompanies an event into the log. Only the last event of a command carries key and fingerprint. */
export type PreparedEvent = {
  readonly event: NewEvent;
  readonly entries: readonly Entry[];
  readonly actor: string;
  readonly correlationId: string | null;
  readonly key: { readonly text: string; readonly hash: Buffer; readonly fingerprint: Buffer } | null;
};

export type Append = {
  readonly ledgerId: number;
  /** The policy version the batch decided with: when it is no longer the ledger's, nothing is appended. */
  readonly policyVersion: bigint;
  readonly raisesPolicy: boolean;
  readonly occurredAt: string;
  readonly events: readonly PreparedEvent[];
  /** Final values of the wallets the batch opened, and of those it changed. */
  readonly opened: readonly WalletState[];
  readonly changed: readonly WalletState[];
};

/** Position of the first event of the batch, and the time all of them share. */
export type Appended = { readonly firstPosition: bigint; readonly recordedAt: string };

const APPEND = `
with head as (
  update ledgers
     set head_position = head_position + $3::bigint,
         head_recorded_at = greatest(head_recorded_at, $5::timestamptz, date_trunc('milliseconds', clock_timestamp())),
         policy_version = policy_version + $4::bigint
   where id = $1::integer
     and policy_version = $2::bigint
  returning head_position - $3::bigint as base, head_recorded_at
), event as (
  select e.*
    from unnest($6::uuid[], $7::text[], $8::smallint[], $9::text[], $10::bytea[], $11::bytea[], $12::text[],
                $13::text[], $14::uuid[], $15::text[])
         with ordinality as e (id, type, version, idempotency_key, key_hash, fingerprint, actor,
                               correlation_id, related_id, data, ordinal)
), appended as (
  insert into events (ledger_id, position, id, type, version, idempotency_key, fingerprint, actor,
                      correlation_id, related_id, data, occurred_at, recorded_at)
  select $1::integer, head.base + e.ordinal, e.id, e.type, e.version, e.idempotency_key, e.fingerprint, e.actor,
         e.correlation_id, e.related_id, e.data::json, $5::timestamptz, head.head_recorded_at
    from head
   cross join event e
), remembered as (
  insert into idempotency_keys (ledger_id, key_hash, position)
  select $1::integer, e.key_hash, head.base + e.ordinal
    from head
   cross join event e
   where e.key_hash is not null
), entered as (
  insert into ledger_entries (ledger_id, position, leg, wallet_id, asset_id, seq, amount, balance_after,
                              held_after, recorded_at)
  select $1::integer, head.base + e.ordinal, e.leg, e.wallet_id, e.asset_id, e.seq, e.amount, e.balance_after,
         e.held_after, head.head_recorded_at
    from head
   cross join unnest($16::bigint[], $17::smallint[], $18::uuid[], $19::uuid[], $20::bigint[], $21::numeric[],
                     $22::numeric[], $23::numeric[])
         as e (ordinal, leg, wallet_id, asset_id, seq, amount, balance_after, held_after)
), opened as (
  insert into wallets (ledger_id, id, owner, is_system, asset_id, balance, held, floor, seq, status, opened_at)
  select $1::integer, w.id, w.owner, w.is_system, w.asset_id, w.balance, w.held, w.floor, w.seq, w.status,
         $5::timestamptz
    from head
   cross join unnest($24::uuid[], $25::text[], $26::boolean[], $27::uuid[], $28::numeric[], $29::numeric[],
                     $30::numeric[], $31::bigint[], $32::text[])
         as w (id, owner, is_system, asset_id, balance, held, floor, seq, status)
), changed as (
  update wallets
     set balance = w.balance,
         held = w.held,
         floor = w.floor,
         seq = w.seq,
         status = w.status
    from head
   cross join unnest($33::uuid[], $34::numeric[], $35::numeric[], $36::numeric[], $37::bigint[], $38::text[])
         as w (id, balance, held, floor, seq, status)
   where wallets.ledger_id = $1::integer
     and wallets.id = w.id
)
select base + 1 as first_position, head_recorded_at as recorded_at
  from head`;

/**
 * Resolves to null, with nothing written, when the policy version moved on since the batch read it.
 * Rejects with the database's error when a constraint or guard refuses the batch.
 */
export async function append(tx: Transaction, batch: Append): Promise<Appended | null> {
  const result = await tx.query<{ first_position: bigint; recorded_at: string }>({
    name: 'append',
    text: APPEND,
    values: appendValues(batch),
  });
  const row = result.rows[0];
  return row === undefined ? null : { firstPosition: row.first_position, recordedAt: row.recorded_at };
}

function appendValues(batch: Append): unknown[] {
  const { events } = batch;
  return [
    batch.ledgerId,
    batch.policyVersion,
    events.length,
    batch.raisesPolicy ? 1 : 0,
    batch.occurredAt,
    events.map(({ event }) => event.id),
    events.map(({ event }) => event.type),
    events.map(({ event }) => event.version),
    events.map(({ key }) => key?.text ?? null),
    events.map(({ key }) => key?.hash ?? null),
    events.map(({ key }) => key?.fingerprint ?? null),
    events.map(({ actor }) => actor),
    events.map(({ correlationId }) => correlationId),
    events.map(({ event }) => event.relatedId),
    events.map(({ event }) => canonicalJson(event.data)),
    ...entryValues(events),
    ...openedValues(batch.opened),
    ...changedValues(batch.changed),
  ];
}

function entryValues(events: readonly PreparedEvent[]): unknown[] {
  const entries = events.flatMap((prepared, index) => prepared.entries.map((entry) => ({ entry, ordinal: index + 1 })));
  return [
    entries.map(({ ordinal }) => ordinal),
    entries.map(({ entry }) => entry.leg),
    entries.map(({ entry }) => entry.walletId),
    entries.map(({ entry }) => entry.assetId),
    entries.map(({ entry }) => entry.seq),
    entries.map(({ entry }) => entry.amount),
    entries.map(({ entry }) => entry.balanceAfter),
    entries.map(({ entry }) => entry.heldAfter),
  ];
}

function openedValues(wallets: readonly WalletState[]): unknown[] {
  return [
    wallets.map((wallet) => wallet.id),
    wallets.map((wallet) => ownerKey(wallet.owner)),
    wallets.map((wallet) => 'system' in wallet.owner),
    wallets.map((wallet) => wallet.assetId),
    wallets.map((wallet) => wallet.balance),
    wallets.map((wallet) => wallet.held),
    wallets.map((wallet) => wallet.floor),
    wallets.map((wallet) => wallet.seq),
    wallets.map((wallet) => wallet.status),
  ];
}

function changedValues(wallets: readonly WalletState[]): unknown[] {
  return [
    wallets.map((wallet) => wallet.id),
    wallets.map((wallet) => wallet.balance),
    wallets.map((wallet) => wallet.held),
    wallets.map((wallet) => wallet.floor),
    wallets.map((wallet) => wallet.seq),
    wallets.map((wallet) => wallet.status),
  ];
}
