// The rows of a batch of top-ups in one prepared statement over arrays, and nothing else: no lock round, no key looked for, no
// decision. The tables, their indexes and their guards are those of the service, and so is every value.

import type { QueryConfig } from 'pg';
import { byteaArray, int2Array, int8Array, textArray, uuidArray } from '../../src/db/binary-arrays.ts';
import { canonicalJson } from '../../src/events/canonical.ts';
import type { TopUpBatch } from './top-up-rows.ts';

const BARE_WRITE = `
with head as (
  update ledgers
     set head_position = head_position + cardinality($5::uuid[]),
         head_recorded_at = greatest(head_recorded_at, $3::timestamptz)
   where id = $1::integer
), appended as (
  insert into events (ledger_id, position, id, type, version, idempotency_key, fingerprint, actor,
                      correlation_id, data, occurred_at, recorded_at)
  select $1::integer, $2::bigint + e.ordinal, e.id, e.type, e.version, e.idempotency_key, e.fingerprint, $4::text,
         e.correlation_id, e.data::json, $3::timestamptz, $3::timestamptz
    from unnest($5::uuid[], $6::text[], $7::smallint[], $8::text[], $9::bytea[], $10::text[], $11::text[])
         with ordinality as e (id, type, version, idempotency_key, fingerprint, correlation_id, data, ordinal)
), remembered as (
  insert into idempotency_keys (ledger_id, key_hash, position)
  select $1::integer, k.hash, $2::bigint + k.ordinal
    from unnest($12::bytea[]) with ordinality as k (hash, ordinal)
), entered as (
  insert into ledger_entries (ledger_id, position, leg, wallet_id, asset_id, seq, amount, balance_after,
                              held_after, recorded_at)
  select $1::integer, $2::bigint + e.ordinal, e.leg, e.wallet_id, e.asset_id, e.seq, e.amount::numeric,
         e.balance_after::numeric, e.held_after::numeric, $3::timestamptz
    from unnest($13::bigint[], $14::smallint[], $15::uuid[], $16::uuid[], $17::bigint[], $18::text[], $19::text[],
                $20::text[])
         as e (ordinal, leg, wallet_id, asset_id, seq, amount, balance_after, held_after)
)
update wallets w
   set balance = c.balance::numeric,
       seq = c.seq
  from unnest($21::uuid[], $22::text[], $23::bigint[]) as c (id, balance, seq)
 where w.ledger_id = $1::integer
   and w.id = c.id`;

/** `before`: the position of the head before it. */
export function bareWrite(ledgerId: number, before: bigint, batch: TopUpBatch): QueryConfig {
  const { events, wallets, occurredAt } = batch;
  const entries = events.flatMap((prepared) => prepared.entries);
  const ordinals = events.flatMap((prepared, index) => prepared.entries.map(() => BigInt(index + 1)));
  return {
    name: 'bare-write',
    text: BARE_WRITE,
    values: [
      ledgerId,
      before,
      occurredAt,
      events[0]?.actor,
      uuidArray(events.map(({ event }) => event.id)),
      textArray(events.map(({ event }) => event.type)),
      int2Array(events.map(({ event }) => event.version)),
      textArray(events.map(({ key }) => key?.text ?? null)),
      byteaArray(events.map(({ key }) => key?.fingerprint ?? null)),
      textArray(events.map(({ correlationId }) => correlationId)),
      textArray(events.map(({ event }) => canonicalJson(event.data))),
      byteaArray(events.map(({ key }) => key?.hash ?? null)),
      int8Array(ordinals),
      int2Array(entries.map(({ leg }) => leg)),
      uuidArray(entries.map(({ walletId }) => walletId)),
      uuidArray(entries.map(({ assetId }) => assetId)),
      int8Array(entries.map(({ seq }) => seq)),
      textArray(entries.map(({ amount }) => amount.toString())),
      textArray(entries.map(({ balanceAfter }) => balanceAfter.toString())),
      textArray(entries.map(({ heldAfter }) => heldAfter.toString())),
      uuidArray(wallets.map(({ id }) => id)),
      textArray(wallets.map(({ balance }) => balance.toString())),
      int8Array(wallets.map(({ seq }) => seq)),
    ],
  };
}
