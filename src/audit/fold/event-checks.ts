/** Holds what the fold makes of an event against what the event says of itself, and against the entries stored for it. */
import type { Posting } from '../../events/catalog.ts';
import type { Entry } from '../../events/evolve.ts';
import type { LoggedEvent } from '../tree/decode-leaf.ts';
import { entryLine, isEntryLine, parseEntryLine } from './entry-lines.ts';
import type { CheckName } from './finding.ts';
import type { Known, TrackedEvent, WalletTracks } from './wallet-tracks.ts';

export type Place = { readonly position: bigint | null; readonly walletId?: string };

export type Report = (check: CheckName, at: Place, expected: string, found: string) => void;

export type EventChecks = {
  readonly balances: (event: TrackedEvent, derived: readonly Entry[]) => void;
  readonly entries: (logged: LoggedEvent, derived: readonly Entry[], lines: readonly string[]) => void;
};

export function createEventChecks(wallets: WalletTracks, report: Report): EventChecks {
  function balances(event: TrackedEvent, derived: readonly Entry[]): void {
    const { position } = event;
    if (event.type === 'transaction.posted' || event.type === 'hold.captured') {
      let leg = 0;
      for (const { from: payer, to: payee } of event.data.postings) {
        checkSide(position, payer, derived[leg]);
        checkSide(position, payee, derived[leg + 1]);
        leg += 2;
      }
      if (event.type === 'transaction.posted') return;
    }
    if ('heldAfter' in event.data) {
      const { walletId } = event.data.hold;
      const held = wallets.plainHeld(walletId);
      if (held !== null && held.toString() !== event.data.heldAfter)
        report('balances', { position, walletId }, `${held} held`, `${event.data.heldAfter} held`);
    }
  }

  function checkSide(position: bigint, side: Posting['from'], derived: Entry | undefined): void {
    const balance = derived?.balanceAfter.toString() ?? '';
    if (balance === side.balanceAfter) return;
    const { walletId } = side;
    report('balances', { position, walletId }, balance, side.balanceAfter);
    wallets.correct(walletId, { balance: BigInt(side.balanceAfter) });
  }

  /** The entries as stored against those that the event gives. */
  function entries(logged: LoggedEvent, derived: readonly Entry[], lines: readonly string[]): void {
    const { position, recordedAt } = logged;
    let right = lines.length === derived.length;
    if (!right) report('entries', { position }, `${derived.length} entries`, `${lines.length} entries`);
    for (let index = 0; index < derived.length; index += 1) {
      const [entry, line] = [derived[index], lines[index]];
      if (entry === undefined || line === undefined) return;
      if (isEntryLine(line, entry, recordedAt)) continue;
      right = false;
      const { walletId } = entry;
      const expected = entryLine(entry, recordedAt);
      if (!agreeInWhatIsKnown(expected, line, wallets.knows(walletId)))
        report('entries', { position, walletId }, readable(expected), readable(line));
    }
    // Entries that are those of a balanced fold are balanced.
    if (!right || !isBalanced(derived)) checkZeroSum(position, lines);
  }

  function checkZeroSum(position: bigint, lines: readonly string[]): void {
    const sums = new Map<string, bigint>();
    for (const { assetId, amount } of lines.map(parseEntryLine))
      sums.set(assetId, (sums.get(assetId) ?? 0n) + amount);
    for (const [assetId, sum] of sums)
      if (sum !== 0n) report('zero_sum', { position }, `0 in asset ${assetId}`, sum.toString());
  }

  return { balances, entries };
}

/** What one wallet gives another takes, in the same asset. */
function isBalanced(entries: readonly Entry[]): boolean {
  return entries.every(({ assetId, amount }, leg) => {
    const other = entries[leg % 2 === 0 ? leg + 1 : leg - 1];
    return other === undefined ? amount === 0n : other.assetId === assetId && other.amount === -amount;
  });
}

const FIELDS = ['leg', 'wallet', 'asset', 'seq', 'amount', 'balance', 'held', 'at'] as const;

/** Of what is not known of a wallet nothing can be said. */
function agreeInWhatIsKnown(expected: string, found: string, knows: Known): boolean {
  const fields = found.split('\t');
  return expected.split('\t').every((value, index) => {
    const name = FIELDS[index];
    const unknown =
      (name === 'balance' && !knows.balance) ||
      (name === 'held' && !knows.held) ||
      (name === 'seq' && !knows.seq);
    return unknown || value === fields[index];
  });
}

function readable(line: string): string {
  const fields = line.split('\t');
  return FIELDS.map((name, index) => `${name} ${fields[index]}`).join(' ');
}
