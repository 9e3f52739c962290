/**
 * What a command refers to by id: the event that placed a hold, the transaction to take back. Such events never
 * change, so they are read before any lock is taken; they say which wallets to lock.
 */
import type { Transaction } from '../db/transaction.ts';
import {
  POSTED_TYPES,
  type EventData,
  type Owner,
  type Posting,
  type RecordedEvent,
} from '../events/catalog.ts';
import { readEventsById } from '../events/read.ts';
import { commandOfSchedule, type SchedulableCommand } from './schedule-schemas.ts';
import type { Command } from './schemas.ts';

export type References = {
  readonly events: ReadonlyMap<string, RecordedEvent>;
  /** Who owns the wallets that the events, or commands by their ids, name. */
  readonly owners: ReadonlyMap<string, Owner>;
};

export const NO_REFERENCES: References = { events: new Map(), owners: new Map() };

export function referencesOf(command: Command): string | null {
  switch (command.kind) {
    case 'capture':
    case 'release':
    case 'hold.expire':
      return command.holdId;
    case 'lot.expire':
      return command.lotId;
    case 'reversal':
      return command.transactionId;
    case 'schedule.create':
      return referencesOf(command.command);
    case 'schedule.run':
    case 'schedule.cancel':
      return command.scheduleId;
    case 'user.register':
    case 'user.status':
    case 'user.erase':
    case 'asset.create':
    case 'asset.status':
    case 'asset.limits':
    case 'wallet.status':
    case 'wallet.overdraft':
    case 'wallet.limits':
    case 'topup':
    case 'spend':
    case 'bonus':
    case 'transfer':
    case 'exchange':
    case 'postings':
    case 'hold':
      return null;
  }
}

/** The wallet that a command is about, by its own id: whose it is has to be looked up. */
export function walletNamedBy(command: Command): string | null {
  return 'walletId' in command ? command.walletId : null;
}

export async function readReferences(
  tx: Transaction,
  ledgerId: number,
  commands: readonly Command[],
): Promise<References> {
  const ids = new Set(commands.flatMap((command) => referencesOf(command) ?? []));
  const wallets = commands.flatMap((command) => walletNamedBy(command) ?? []);
  if (ids.size + wallets.length === 0) return NO_REFERENCES;
  const named = ids.size === 0 ? [] : await readEventsById(tx, ledgerId, [...ids]);
  const ofWaiting = named.flatMap((event) =>
    event.type === 'scheduled.created' ? (referencesOf(waitingCommand(event)) ?? []) : [],
  );
  const further = [...new Set(ofWaiting)].filter((id) => !ids.has(id));
  const events = further.length === 0 ? named : [...named, ...(await readEventsById(tx, ledgerId, further))];
  const walletIds = new Set([...wallets, ...events.flatMap(walletsOfEvent)]);
  return {
    events: new Map(events.map((event) => [event.id, event])),
    owners: await readOwners(tx, ledgerId, [...walletIds]),
  };
}

/** Lots that a reversal may give back to, gone or not. */
export function lotIdsOf(references: References): string[] {
  return [...references.events.values()].flatMap((event) =>
    postingsOf(event).flatMap(({ from }) => (from.lots ?? []).map(({ lotId }) => lotId)),
  );
}

/** What waits in a schedule, but for what is personal of it: that names nothing. */
export function waitingCommand({
  data,
}: {
  readonly data: EventData<'scheduled.created'>;
}): SchedulableCommand {
  return commandOfSchedule(data.schedule, null);
}

export function postingsOf(event: RecordedEvent): readonly Posting[] {
  return isPosted(event) ? event.data.postings : [];
}

export function isPosted(
  event: RecordedEvent,
): event is Extract<RecordedEvent, { type: (typeof POSTED_TYPES)[number] }> {
  return POSTED_TYPES.some((type) => type === event.type);
}

function walletsOfEvent(event: RecordedEvent): string[] {
  if (event.type === 'hold.placed') return [event.data.hold.walletId];
  return postingsOf(event).flatMap(({ from, to }) => [from.walletId, to.walletId]);
}

async function readOwners(tx: Transaction, ledgerId: number, ids: string[]): Promise<Map<string, Owner>> {
  if (ids.length === 0) return new Map();
  const { rows } = await tx.query<{ id: string; owner: string; is_system: boolean }>({
    name: 'owners-of-wallets',
    text: `
select w.id, w.owner, w.is_system
  from unnest($2::uuid[]) as wanted (id)
 cross join lateral (
        select w.id, w.owner, w.is_system
          from wallets w
         where w.ledger_id = $1::integer
           and w.id = wanted.id
         limit 1
       ) w`,
    values: [ledgerId, ids],
  });
  return new Map(
    rows.map(({ id, owner, is_system: isSystem }) => [id, isSystem ? { system: owner } : { userId: owner }]),
  );
}
