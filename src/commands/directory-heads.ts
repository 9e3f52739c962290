/**
 * Writes the heads of users, assets, holds, lots, schedules and personal values that a batch decided. It runs after the
 * append, so the head row of the ledger is held: two batches can never wait for each other's unique values.
 */
import type { Transaction } from '../db/transaction.ts';
import type { EventData, Hold, NewEvent } from '../events/catalog.ts';
import { limitsText, parsedLimits } from '../events/spend-limits.ts';
import { withPersonalValues } from '../events/read.ts';
import type { PreparedEvent } from '../events/append.ts';
import type { Lot } from '../events/lots.ts';
import type { BatchPlan, PersonalByEvent } from './batch-plan.ts';
import { writeSchedules } from './schedule-heads.ts';

export function touchesDirectory({ events, lots }: Pick<BatchPlan, 'events' | 'lots'>): boolean {
  return lots.length > 0 || events.some(({ event }) => event.personal.length > 0 || hasHead(event));
}

function hasHead(event: NewEvent): boolean {
  return /^(?:user|asset|hold|scheduled)\./.test(event.type);
}

export async function writeDirectory(
  tx: Transaction,
  ledgerId: number,
  batch: Pick<BatchPlan, 'events' | 'lots' | 'occurredAt'>,
): Promise<void> {
  for (const { event } of batch.events) {
    if (event.personal.length > 0) await insertPersonal(tx, ledgerId, event);
    switch (event.type) {
      case 'user.registered':
        await insertUser(tx, ledgerId, event.data.userId, batch.occurredAt);
        break;
      case 'user.status_changed':
        await updateUser(tx, ledgerId, event.data);
        break;
      case 'user.erased':
        await eraseUser(tx, ledgerId, event.data.userId);
        break;
      case 'asset.created':
        await insertAsset(tx, ledgerId, event.data, batch.occurredAt);
        break;
      case 'asset.status_changed':
        await updateAsset(tx, ledgerId, event.data);
        break;
      case 'asset.limits_changed':
        await updateAssetLimits(tx, ledgerId, event.data);
        break;
      case 'wallet.opened':
      case 'wallet.status_changed':
      case 'wallet.overdraft_changed':
      case 'wallet.limits_changed':
      case 'transaction.posted':
      case 'transaction.rejected':
      case 'hold.placed':
      case 'hold.captured':
      case 'hold.released':
      case 'hold.expired':
      case 'scheduled.created':
      case 'scheduled.executed':
      case 'scheduled.cancelled':
        break;
    }
  }
  await writeHolds(tx, ledgerId, batch.events);
  await writeLots(tx, ledgerId, batch.lots);
  await writeSchedules(tx, ledgerId, batch.events);
}

/** Holds as the batch leaves them, each once. */
async function writeHolds(
  tx: Transaction,
  ledgerId: number,
  events: readonly PreparedEvent[],
): Promise<void> {
  const last = new Map<string, Hold>();
  for (const { event } of events) if ('hold' in event.data) last.set(event.data.hold.holdId, event.data.hold);
  if (last.size === 0) return;
  const holds = [...last.values()];
  await tx.query({
    name: 'upsert-holds',
    text: `
insert into holds as h (ledger_id, id, wallet_id, amount, captured, remaining, status, expires_at)
select $1::integer, w.id, w.wallet_id, w.amount::numeric, w.captured::numeric, w.remaining::numeric, w.status,
       w.expires_at
  from unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::timestamptz[])
         as w (id, wallet_id, amount, captured, remaining, status, expires_at)
    on conflict (ledger_id, id) do update
   set captured = excluded.captured,
       remaining = excluded.remaining,
       status = excluded.status`,
    values: [
      ledgerId,
      holds.map(({ holdId }) => holdId),
      holds.map(({ walletId }) => walletId),
      holds.map(({ amount }) => amount),
      holds.map(({ captured }) => captured),
      holds.map(({ remaining }) => remaining),
      holds.map(({ status }) => status),
      holds.map(({ expiresAt }) => expiresAt),
    ],
  });
}

async function writeLots(tx: Transaction, ledgerId: number, lots: readonly Lot[]): Promise<void> {
  if (lots.length === 0) return;
  await tx.query({
    name: 'upsert-lots',
    text: `
insert into lots (ledger_id, id, wallet_id, amount, remaining, reserved, expires_at)
select $1::integer, w.id, w.wallet_id, w.amount::numeric, w.remaining::numeric, w.reserved::numeric, w.expires_at
  from unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::timestamptz[])
         as w (id, wallet_id, amount, remaining, reserved, expires_at)
    on conflict (ledger_id, id) do update
   set remaining = excluded.remaining,
       reserved = excluded.reserved`,
    values: [
      ledgerId,
      lots.map(({ lotId }) => lotId),
      lots.map(({ walletId }) => walletId),
      lots.map(({ amount }) => amount.toString()),
      lots.map(({ remaining }) => remaining.toString()),
      lots.map(({ reserved }) => reserved.toString()),
      lots.map(({ expiresAt }) => expiresAt),
    ],
  });
}

async function insertPersonal(tx: Transaction, ledgerId: number, event: NewEvent): Promise<void> {
  const { personal } = event;
  await tx.query({
    name: 'insert-personal',
    text: `
insert into personal (ledger_id, subject_id, field, value, salt)
select $1::integer, p.subject_id, p.field, p.value, p.salt
  from unnest($2::uuid[], $3::text[], $4::text[], $5::bytea[]) as p (subject_id, field, value, salt)`,
    values: [
      ledgerId,
      personal.map(({ subjectId }) => subjectId),
      personal.map(({ field }) => field),
      personal.map(({ value }) => value),
      personal.map(({ salt }) => salt),
    ],
  });
}

async function insertUser(
  tx: Transaction,
  ledgerId: number,
  userId: string,
  occurredAt: string,
): Promise<void> {
  await tx.query({
    name: 'insert-user',
    text: `
insert into users (ledger_id, id, status, created_at)
values ($1::integer, $2::uuid, 'ACTIVE', $3::timestamptz)`,
    values: [ledgerId, userId, occurredAt],
  });
}

async function updateUser(
  tx: Transaction,
  ledgerId: number,
  data: EventData<'user.status_changed'>,
): Promise<void> {
  await tx.query({
    name: 'update-user',
    text: `
update users
   set status = $3::text
 where ledger_id = $1::integer
   and id = $2::uuid`,
    values: [ledgerId, data.userId, data.status],
  });
}

/** Whatever was kept of the person: the log has only digests, which without their salts say nothing. */
async function eraseUser(tx: Transaction, ledgerId: number, userId: string): Promise<void> {
  await tx.query({
    name: 'erase-personal',
    text: `
delete from personal
 where ledger_id = $1::integer
   and subject_id = $2::uuid`,
    values: [ledgerId, userId],
  });
  await tx.query({
    name: 'erase-user',
    text: `
update users
   set status = 'ERASED'
 where ledger_id = $1::integer
   and id = $2::uuid`,
    values: [ledgerId, userId],
  });
}

async function insertAsset(
  tx: Transaction,
  ledgerId: number,
  data: EventData<'asset.created'>,
  occurredAt: string,
): Promise<void> {
  await tx.query({
    name: 'insert-asset',
    text: `
insert into assets (ledger_id, id, slug, name, scale, supply_cap, status, created_at)
values ($1::integer, $2::uuid, $3::text, $4::text, $5::smallint, $6::numeric, 'ACTIVE', $7::timestamptz)`,
    values: [ledgerId, data.assetId, data.slug, data.name, data.scale, data.supplyCap, occurredAt],
  });
}

async function updateAsset(
  tx: Transaction,
  ledgerId: number,
  data: EventData<'asset.status_changed'>,
): Promise<void> {
  await tx.query({
    name: 'update-asset',
    text: `
update assets
   set status = $3::text
 where ledger_id = $1::integer
   and id = $2::uuid`,
    values: [ledgerId, data.assetId, data.status],
  });
}

async function updateAssetLimits(
  tx: Transaction,
  ledgerId: number,
  data: EventData<'asset.limits_changed'>,
): Promise<void> {
  await tx.query({
    name: 'update-asset-limits',
    text: `
update assets
   set limits = $3::json
 where ledger_id = $1::integer
   and id = $2::uuid`,
    values: [ledgerId, data.assetId, limitsText(parsedLimits(data.limits))],
  });
}

/** Events whose answers show personal values that earlier ones wrote. */
const SHOWS_WHAT_WAS: ReadonlySet<string> = new Set([
  'user.status_changed',
  'scheduled.executed',
  'scheduled.cancelled',
]);

/** The personal values that the answers of a batch show: those it wrote, and those of users and schedules it changed. */
export async function personalOfBatch(
  tx: Transaction,
  ledgerId: number,
  batch: { events: readonly PreparedEvent[]; occurredAt: string },
): Promise<PersonalByEvent> {
  const personal = new Map<string, ReadonlyMap<string, string>>();
  const changes: NewEvent[] = [];
  for (const { event } of batch.events) {
    if (event.personal.length > 0)
      personal.set(event.id, new Map(event.personal.map((own) => [own.field, own.value])));
    if (SHOWS_WHAT_WAS.has(event.type)) changes.push(event);
  }
  const notYetPlaced = {
    position: 0n,
    actor: '',
    idempotencyKey: null,
    correlationId: null,
    fingerprint: null,
  };
  const read = await withPersonalValues(
    tx,
    ledgerId,
    changes.map((event) => ({
      ...event,
      ...notYetPlaced,
      occurredAt: batch.occurredAt,
      recordedAt: batch.occurredAt,
    })),
  );
  for (const event of read) personal.set(event.id, event.personal);
  return personal;
}
