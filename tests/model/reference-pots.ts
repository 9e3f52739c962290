/** Bonuses that end, once more: each is a pot, and what is paid comes out of the pot that ends first. One that is over is nobody's. */
import type { Ledger, Taken } from './reference-terms.ts';

function potsOf(ledger: Ledger, owner: string, asset: string) {
  return ledger.pots
    .filter((pot) => pot.owner === owner && pot.asset === asset)
    .sort((one, other) => one.endsAt - other.endsAt || one.bonus - other.bonus);
}

/** In the balance until it is taken back, and not to be spent; but for the pot that is taken from anyway. */
export function overdueIn(ledger: Ledger, owner: string, asset: string, first = -1): bigint {
  return potsOf(ledger, owner, asset)
    .filter((pot) => pot.endsAt <= ledger.now && pot.bonus !== first)
    .reduce((sum, { left, kept }) => sum + left - kept, 0n);
}

/** Takes an amount out of the pots of a wallet, as far as they have it and holds do not keep it. */
export function takeFromPots(
  ledger: Ledger,
  of: { owner: string; asset: string; amount: bigint; first: number },
): Taken[] {
  const pots = potsOf(ledger, of.owner, of.asset);
  const preferred = pots.filter(({ bonus }) => bonus === of.first);
  const others = pots.filter((pot) => !preferred.includes(pot) && pot.endsAt > ledger.now);
  return reach([...preferred, ...others], of.amount, (pot, part) => {
    pot.left -= part;
  });
}

/** For a hold: what it reserves stays in the pots, and is nobody else's. */
export function keepInPots(ledger: Ledger, of: { owner: string; asset: string; amount: bigint }): Taken[] {
  const open = potsOf(ledger, of.owner, of.asset).filter((pot) => pot.endsAt > ledger.now);
  return reach(open, of.amount, (pot, part) => {
    pot.kept += part;
  });
}

function reach(
  pots: readonly Ledger['pots'][number][],
  amount: bigint,
  take: (pot: Ledger['pots'][number], part: bigint) => void,
): Taken[] {
  let wanted = amount;
  const taken: Taken[] = [];
  for (const pot of pots) {
    const there = pot.left - pot.kept;
    const part = there < wanted ? there : wanted;
    if (part === 0n) continue;
    take(pot, part);
    taken.push({ bonus: pot.bonus, amount: part });
    wanted -= part;
  }
  return taken;
}

/** Ends so much of what a hold keeps: paid out of the pots, or left to them again. */
export function letGoOfPots(
  ledger: Ledger,
  hold: { kept: Taken[] },
  { amount, paid }: { amount: bigint; paid: boolean },
): Taken[] {
  let wanted = amount;
  const gone: Taken[] = [];
  const staying: Taken[] = [];
  for (const { bonus, amount: there } of hold.kept) {
    const part = there < wanted ? there : wanted;
    wanted -= part;
    if (part > 0n) gone.push({ bonus, amount: part });
    if (part < there) staying.push({ bonus, amount: there - part });
  }
  for (const { bonus, amount: part } of gone) {
    const pot = ledger.pots.find((candidate) => candidate.bonus === bonus)!;
    pot.kept -= part;
    if (paid) pot.left -= part;
  }
  hold.kept = staying;
  return gone;
}

/** What a payment took comes back from its end on: first what was plain, then the pots from the last one. */
export function backToPots(
  ledger: Ledger,
  paid: { amount: bigint; taken: readonly Taken[] },
  { already, amount }: { already: bigint; amount: bigint },
): Taken[] {
  const plain = paid.taken.reduce((left, part) => left - part.amount, paid.amount);
  const coins = [{ bonus: -1, amount: plain }, ...paid.taken.toReversed()];
  let skip = already;
  let wanted = amount;
  const back: Taken[] = [];
  for (const { bonus, amount: there } of coins) {
    const skipped = there < skip ? there : skip;
    skip -= skipped;
    const part = there - skipped < wanted ? there - skipped : wanted;
    wanted -= part;
    if (bonus === -1 || part === 0n) continue;
    back.push({ bonus, amount: part });
    ledger.pots.find((pot) => pot.bonus === bonus)!.left += part;
  }
  return back;
}
