/**
 * Appends a decided batch in one statement. The head row of the ledger is the last lock in the order and is
 * held until commit, so positions have no gaps and grow in commit order: whoever has seen position p has
 * seen everything before it.
 */
import type { QueryConfig } from 'pg';
import { byteaArray, int2Array, int8Array, textArray, uuidArray } from '../db/binary-arrays.ts';
import type { Transaction } from '../db/transaction.ts';
import { canonicalJson } from './canonical.ts';
import { ownerKey, type NewEvent } from './catalog.ts';
import type { Entry } from './evolve.ts';
import { walletLimitsText } from './spend-limits.ts';
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
  /**
   * Where the head of the ledger was when the batch's wallets were read, if that was not under their locks: when it is
   * elsewhere, or a key of the batch is not new, nothing is appended. Null for a batch that read under its locks.
   */
  readonly headPosition: bigint | null;
  readonly raisesPolicy: boolean;
  readonly occurredAt: string;
  readonly events: readonly PreparedEvent[];
  /** Final values of the wallets that the batch opened or changed. */
  readonly wallets: readonly WalletState[];
};

/** Position of the first event of the batch, the time all of them share, and the database's clock at the append. */
export type Appended = {
  readonly firstPosition: bigint;
  readonly recordedAt: string;
  readonly clock: string;
};

/**
 * Wallets are written by an upsert, new ones and changed ones alike: it probes the primary key row by row, where an
 * update joined with the batch leaves the planner a choice it has no statistics for.
 */
const APPEND = `
with head as (
  update ledgers
     set head_position = head_position + $3::bigint,
         head_recorded_at = greatest(head_recorded_at, $5::timestamptz, date_trunc('milliseconds', clock_timestamp())),
         policy_version = policy_version + $4::bigint
   where id = $1::integer
     and policy_version = $2::bigint
     and (   $33::bigint is null
          or (    head_position = $33::bigint
              and not exists (
                    select
                      from idempotency_keys k
                     where k.ledger_id = $1::integer
                       and k.key_hash = any ($10::bytea[])
                  )))
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
  select $1::integer, head.base + e.ordinal, e.leg, e.wallet_id, e.asset_id, e.seq, e.amount::numeric,
         e.balance_after::numeric, e.held_after::numeric, head.head_recorded_at
    from head
   cross join unnest($16::bigint[], $17::smallint[], $18::uuid[], $19::uuid[], $20::bigint[], $21::text[],
                     $22::text[], $23::text[])
         as e (ordinal, leg, wallet_id, asset_id, seq, amount, balance_after, held_after)
), written as (
  insert into wallets (ledger_id, id, owner, is_system, asset_id, balance, held, floor, seq, status,
                       next_due_at, limits, opened_at)
  select $1::integer, w.id, w.owner, w.is_system, w.asset_id, w.balance::numeric, w.held::numeric, w.floor::numeric,
         w.seq, w.status, w.next_due_at, w.limits::json, $5::timestamptz
    from head
   cross join unnest($24::uuid[], $25::text[], $26::boolean[], $27::uuid[], $28::text[], $29::text[],
                     $30::text[], $31::bigint[], $32::text[], $34::timestamptz[], $35::text[])
         as w (id, owner, is_system, asset_id, balance, held, floor, seq, status, next_due_at, limits)
      on conflict (ledger_id, id) do update
     set balance = excluded.balance,
         held = excluded.held,
         floor = excluded.floor,
         seq = excluded.seq,
         status = excluded.status,
         next_due_at = excluded.next_due_at,
         limits = excluded.limits
)
select base + 1 as first_position, head_recorded_at as recorded_at,
       date_trunc('milliseconds', clock_timestamp()) as clock
  from head`;

/** The statement, ready to be sent. Throws for data that JSON cannot say, before anything is sent. */
export function appendQuery(batch: Append): QueryConfig {
  return { name: 'append', text: APPEND, values: appendValues(batch) };
}

/**
 * Resolves to null, with nothing written, when the ledger is no longer what the batch was decided from.
 * Rejects with the database's error when a constraint or guard refuses the batch.
 */
export async function append(tx: Transaction, query: QueryConfig): Promise<Appended | null> {
  const { rows } = await tx.query<{ first_position: bigint; recorded_at: string; clock: string }>(query);
  const row = rows[0];
  if (row === undefined) return null;
  return { firstPosition: row.first_position, recordedAt: row.recorded_at, clock: row.clock };
}

function appendValues(batch: Append): unknown[] {
  const { events } = batch;
  return [
    batch.ledgerId,
    batch.policyVersion,
    events.length,
    batch.raisesPolicy ? 1 : 0,
    batch.occurredAt,
    uuidArray(events.map(({ event }) => event.id)),
    textArray(events.map(({ event }) => event.type)),
    int2Array(events.map(({ event }) => event.version)),
    textArray(events.map(({ key }) => key?.text ?? null)),
    byteaArray(events.map(({ key }) => key?.hash ?? null)),
    byteaArray(events.map(({ key }) => key?.fingerprint ?? null)),
    textArray(events.map(({ actor }) => actor)),
    textArray(events.map(({ correlationId }) => correlationId)),
    uuidArray(events.map(({ event }) => event.relatedId)),
    textArray(events.map(({ event }) => canonicalJson(event.data))),
    ...entryValues(events),
    ...walletValues(batch.wallets),
    batch.headPosition,
    batch.wallets.map((wallet) => wallet.nextDueAt),
    textArray(batch.wallets.map(({ limits }) => (limits === null ? null : walletLimitsText(limits)))),
  ];
}

function entryValues(events: readonly PreparedEvent[]): unknown[] {
  const ordinals: bigint[] = [];
  const entries: Entry[] = [];
  let ordinal = 0n;
  for (const prepared of events) {
    ordinal += 1n;
    for (const entry of prepared.entries) {
      ordinals.push(ordinal);
      entries.push(entry);
    }
  }
  return [
    int8Array(ordinals),
    int2Array(entries.map((entry) => entry.leg)),
    uuidArray(entries.map((entry) => entry.walletId)),
    uuidArray(entries.map((entry) => entry.assetId)),
    int8Array(entries.map((entry) => entry.seq)),
    textArray(entries.map((entry) => entry.amount.toString())),
    textArray(entries.map((entry) => entry.balanceAfter.toString())),
    textArray(entries.map((entry) => entry.heldAfter.toString())),
  ];
}

function walletValues(wallets: readonly WalletState[]): unknown[] {
  return [
    uuidArray(wallets.map((wallet) => wallet.id)),
    textArray(wallets.map((wallet) => ownerKey(wallet.owner))),
    wallets.map((wallet) => 'system' in wallet.owner),
    uuidArray(wallets.map((wallet) => wallet.assetId)),
    textArray(wallets.map((wallet) => wallet.balance.toString())),
    textArray(wallets.map((wallet) => wallet.held.toString())),
    textArray(wallets.map((wallet) => wallet.floor?.toString() ?? null)),
    int8Array(wallets.map((wallet) => wallet.seq)),
    textArray(wallets.map((wallet) => wallet.status)),
  ];
}
