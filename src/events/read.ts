/** Reads events back from the log, with the personal values that belong beside them. */
import type { Transaction } from '../db/transaction.ts';
import type { RecordedEvent } from './catalog.ts';
import { personalFieldsOf, type PersonalField } from './personal-fields.ts';
import { upcast } from './upcast.ts';

export type EventRow = {
  position: bigint;
  id: string;
  type: string;
  version: number;
  idempotency_key: string | null;
  fingerprint: Buffer | null;
  actor: string;
  correlation_id: string | null;
  related_id: string | null;
  data: string;
  occurred_at: string;
  recorded_at: string;
};

/** Columns of an EventRow, for a table named or aliased `e`. */
export const EVENT_COLUMNS = `e.position, e.id, e.type, e.version, e.idempotency_key, e.fingerprint, e.actor,
       e.correlation_id, e.related_id, e.data, e.occurred_at, e.recorded_at`;

export type StoredEvent = RecordedEvent & {
  readonly fingerprint: Buffer | null;
  /** Values by field; a field that was erased is missing. */
  readonly personal: ReadonlyMap<string, string>;
  /** The salt of the event's personal values, null when it has none or they were erased. */
  readonly salt: Buffer | null;
};

export function eventOfRow(row: EventRow): RecordedEvent & { readonly fingerprint: Buffer | null } {
  return {
    ...upcast({ type: row.type, version: row.version, data: JSON.parse(row.data) as unknown }),
    position: row.position,
    id: row.id,
    actor: row.actor,
    idempotencyKey: row.idempotency_key,
    correlationId: row.correlation_id,
    relatedId: row.related_id,
    occurredAt: row.occurred_at,
    recordedAt: row.recorded_at,
    fingerprint: row.fingerprint,
  };
}

/** Events at the given positions, in ascending order; positions beyond the head are left out. */
export async function readEventsAt(
  tx: Transaction,
  ledgerId: number,
  positions: readonly bigint[],
): Promise<StoredEvent[]> {
  if (positions.length === 0) return [];
  const { rows } = await tx.query<EventRow>({
    name: 'events-at',
    text: `
select ${EVENT_COLUMNS}
  from events e
 where e.ledger_id = $1::integer
   and e.position = any ($2::bigint[])
 order by e.position`,
    values: [ledgerId, positions],
  });
  return withPersonalValues(tx, ledgerId, rows.map(eventOfRow));
}

/** Events with the given ids, without what is personal; ids that no event has are left out. */
export async function readEventsById(
  tx: Transaction,
  ledgerId: number,
  ids: readonly string[],
): Promise<RecordedEvent[]> {
  const { rows } = await tx.query<EventRow>({
    name: 'events-by-id',
    text: `
select ${EVENT_COLUMNS}
  from unnest($2::uuid[]) as wanted (id)
 cross join lateral (
        select *
          from events e
         where e.ledger_id = $1::integer
           and e.id = wanted.id
         limit 1
       ) e`,
    values: [ledgerId, ids],
  });
  return rows.map(eventOfRow);
}

/** Adds what the personal table holds for each event: one query for all of them, none when there is nothing. */
export async function withPersonalValues(
  tx: Transaction,
  ledgerId: number,
  events: readonly (RecordedEvent & { readonly fingerprint: Buffer | null })[],
): Promise<StoredEvent[]> {
  const found = await readPersonal(tx, ledgerId, events.flatMap(personalFieldsOf));
  return events.map((event) => {
    const personal = new Map<string, string>();
    let salt: Buffer | null = null;
    for (const { subjectId, field } of personalFieldsOf(event)) {
      const row = found.get(`${subjectId} ${field}`);
      if (row === undefined || row.value === null) continue;
      personal.set(field, row.value);
      salt = row.salt;
    }
    return { ...event, personal, salt };
  });
}

type PersonalRow = { subject_id: string; field: string; value: string | null; salt: Buffer | null };

/** By subject and field, with a space between them; without a query when nothing is wanted. */
export async function readPersonal(
  tx: Transaction,
  ledgerId: number,
  wanted: readonly PersonalField[],
): Promise<ReadonlyMap<string, PersonalRow>> {
  if (wanted.length === 0) return new Map();
  const { rows } = await tx.query<PersonalRow>({
    name: 'personal-values',
    text: `
select wanted.subject_id, wanted.field, p.value, p.salt
  from unnest($2::uuid[], $3::text[]) as wanted (subject_id, field)
  left join personal p
    on p.ledger_id = $1::integer
   and p.subject_id = wanted.subject_id
   and p.field = wanted.field`,
    values: [ledgerId, wanted.map(({ subjectId }) => subjectId), wanted.map(({ field }) => field)],
  });
  return new Map(rows.map((row) => [`${row.subject_id} ${row.field}`, row]));
}
