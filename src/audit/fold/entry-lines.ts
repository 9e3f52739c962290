/**
 * Ledger entries as lines of text, as COPY writes them: an entry that is right is told by comparing one line with the line it should be, and
 * only one that is not, or that has something to tell, is taken apart.
 */
import type { Entry } from '../../events/evolve.ts';

/** Of ledger_entries, aliased e: the columns of such a line, behind the position. */
export const ENTRY_COLUMNS =
  'e.leg, e.wallet_id, e.asset_id, e.seq, e.amount, e.balance_after, e.held_after, e.recorded_at';

/** A ledger entry as it is stored. Amounts are digits. */
export type StoredEntry = {
  readonly leg: string;
  readonly walletId: string;
  readonly assetId: string;
  readonly seq: bigint;
  readonly amount: bigint;
  readonly balanceAfter: bigint;
  readonly heldAfter: bigint;
};

/** Hands the fields of an entry to `put`, in the order of ENTRY_COLUMNS, until it returns false; returns what it returned last. */
function eachField(entry: Entry, recordedAt: string, put: (field: string) => boolean): boolean {
  return (
    put(entry.leg.toString()) &&
    put(entry.walletId) &&
    put(entry.assetId) &&
    put(entry.seq.toString()) &&
    put(entry.amount.toString()) &&
    put(entry.balanceAfter.toString()) &&
    put(entry.heldAfter.toString()) &&
    put(timeInDatabase(recordedAt))
  );
}

/** The line that an entry of the fold should have. */
export function entryLine(entry: Entry, recordedAt: string): string {
  const fields: string[] = [];
  eachField(entry, recordedAt, (field) => fields.push(field) > 0);
  return fields.join('\t');
}

const TAB = 0x09;

/** How far a line that is looked through was found to be right. */
let [looked, at] = ['', 0];

function goesOnWith(field: string): boolean {
  if (!looked.startsWith(field, at)) return false;
  at += field.length;
  if (at < looked.length && looked.charCodeAt(at) !== TAB) return false;
  at += 1;
  return true;
}

/** Whether a line is that of the entry, looked through without making the line that it should be: nearly all are. */
export function isEntryLine(line: string, entry: Entry, recordedAt: string): boolean {
  [looked, at] = [line, 0];
  return eachField(entry, recordedAt, goesOnWith) && at === line.length + 1;
}

export function isOfWallet(line: string, walletId: string): boolean {
  return line.startsWith(walletId, line.indexOf('\t') + 1);
}

export function parseEntryLine(line: string): StoredEntry {
  const [leg = '', walletId = '', assetId = '', seq = '', amount = '', balanceAfter = '', heldAfter = ''] =
    line.split('\t');
  return {
    ...{ leg, walletId, assetId, seq: BigInt(seq), amount: BigInt(amount) },
    ...{ balanceAfter: BigInt(balanceAfter), heldAfter: BigInt(heldAfter) },
  };
}

let lastTime = { time: '', text: '' };

/** The entries of an event are all of one time. */
function timeInDatabase(time: string): string {
  if (time !== lastTime.time) lastTime = { time, text: spellTime(time) };
  return lastTime.text;
}

/** `2026-01-01 00:00:00.12+00` of `2026-01-01T00:00:00.120Z`: PostgreSQL leaves zeros at the end away. */
function spellTime(time: string): string {
  const { length } = time;
  const decimals = time.endsWith('.000Z')
    ? 0
    : time[length - 2] !== '0'
      ? 4
      : time[length - 3] !== '0'
        ? 3
        : 2;
  return `${time.slice(0, 10)} ${time.slice(11, 19 + decimals)}+00`;
}
