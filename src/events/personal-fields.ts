/** What of an event is personal: whose it is, and under which names it is kept beside the log. */
import type { RecordedEvent } from './catalog.ts';
import { personalFieldsOf as fieldsOfSchedule } from './schedule-resource.ts';
import { personalMetadataField } from './transaction-resource.ts';

export type PersonalField = { readonly subjectId: string; readonly field: string };

export function personalFieldsOf(event: RecordedEvent): PersonalField[] {
  switch (event.type) {
    case 'user.registered':
    case 'user.status_changed':
      return [{ subjectId: event.data.userId, field: 'email' }];
    case 'transaction.posted':
    case 'transaction.rejected': {
      const { userId, personalMetadata } = event.data;
      if (userId === null) return [];
      return Object.keys(personalMetadata ?? {}).map((name) => ({
        subjectId: userId,
        field: personalMetadataField(event.id, name),
      }));
    }
    case 'scheduled.created':
    case 'scheduled.executed':
    case 'scheduled.cancelled':
      return fieldsOfSchedule(event.data.schedule);
    case 'user.erased':
    case 'asset.created':
    case 'asset.status_changed':
    case 'asset.limits_changed':
    case 'wallet.opened':
    case 'wallet.status_changed':
    case 'wallet.overdraft_changed':
    case 'wallet.limits_changed':
    case 'hold.placed':
    case 'hold.captured':
    case 'hold.released':
    case 'hold.expired':
      return [];
  }
}
