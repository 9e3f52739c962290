/**
 * What is personal stands beside the log, and the log has its digest: a value that was exchanged is found, and one that is
 * missing, unless its subject was erased. What the table of users says of that is held against the log with the table.
 */
import type { PoolClient } from 'pg';
import type { Fact } from '../../events/catalog.ts';
import { personalDigest } from '../../events/personal-digest.ts';
import { personalFieldsOf } from '../../events/schedule-resource.ts';
import { personalMetadataField } from '../../events/transaction-resource.ts';
import type { RangeFold } from '../fold/range-fold.ts';

export type PersonalDigest = {
  readonly position: bigint;
  readonly subjectId: string;
  readonly field: string;
  readonly digest: string;
};

/** Adds the digests of an event, of which most have none. */
export function noteDigests(
  noted: PersonalDigest[],
  event: Fact,
  { position, id }: { position: bigint; id: string },
): void {
  if (event.type === 'user.registered') {
    const { userId: subjectId, email: digest } = event.data;
    noted.push({ position, subjectId, field: 'email', digest });
  } else if ('schedule' in event.data) {
    const { schedule } = event.data;
    for (const { subjectId, field, name } of personalFieldsOf(schedule))
      noted.push({ position, subjectId, field, digest: schedule.personalMetadata?.[name] ?? '' });
  } else if ('personalMetadata' in event.data) {
    const { userId: subjectId, personalMetadata } = event.data;
    if (subjectId === null) return;
    for (const [name, digest] of Object.entries(personalMetadata ?? {}))
      noted.push({ position, subjectId, digest, field: personalMetadataField(id, name) });
  }
}

export async function checkPersonalValues(
  client: PoolClient,
  ledgerId: number,
  fold: RangeFold,
  digests: readonly PersonalDigest[],
): Promise<void> {
  if (digests.length === 0) return;
  const { rows } = await client.query<{
    place: bigint;
    value: string | null;
    salt: Buffer | null;
    erased: boolean;
  }>({
    name: 'audit-personal',
    text: `
select wanted.place - 1 as place, p.value, p.salt,
       p.value is null and exists (
         select
           from users u
          where u.ledger_id = $1::integer
            and u.id = wanted.subject_id
            and u.status = 'ERASED'
       ) as erased
  from unnest($2::uuid[], $3::text[]) with ordinality as wanted (subject_id, field, place)
 left join lateral (
        select value, salt
          from personal
         where ledger_id = $1::integer
           and subject_id = wanted.subject_id
           and field = wanted.field
         limit 1
       ) p on true`,
    values: [ledgerId, digests.map(({ subjectId }) => subjectId), digests.map(({ field }) => field)],
  });
  for (const { place, value, salt, erased } of rows) {
    const wanted = digests[Number(place)];
    const found = value === null || salt === null ? 'no value' : personalDigest(salt, value);
    if (wanted === undefined || wanted.digest === found || erased) continue;
    const { position, subjectId, field, digest } = wanted;
    fold.report('personal', { position }, `${field} of ${subjectId} with the digest ${digest}`, found);
  }
}
