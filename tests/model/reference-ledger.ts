/**
 * The rules of the contract once more, as plainly as they can be said, to hold the service to: no ids, no
 * events, no locks, and nothing of src.
 */
import { refused } from './reference-words.ts';
import { capture, placeHold, release } from './reference-holds.ts';
import { TREASURY, missing, pay, post } from './reference-pay.ts';
import { backToPots } from './reference-pots.ts';
import { erase, setLimits, setStatus } from './reference-settings.ts';
import type { Command, Ledger, Outcome, Posting, Taken } from './reference-terms.ts';

type CommandOf<Kind extends Command['kind']> = Extract<Command, { kind: Kind }>;

const DAY_MS = 86_400_000;

export function newLedger(
  users: readonly string[],
  caps: Readonly<Record<string, bigint | null>>,
  now: number,
): Ledger {
  return {
    now,
    users: new Map(users.map((user) => [user, { banned: false, erased: false }])),
    assets: new Map(Object.entries(caps).map(([asset, cap]) => [asset, { cap, frozen: false }])),
    wallets: new Map(),
    overdrafts: new Map(),
    limits: new Map(),
    assetLimits: new Map(),
    spends: [],
    holds: [],
    pots: [],
    transactions: [],
    schedules: [],
  };
}

/** Changes the ledger; a refusal only by the attempt that it declines. */
export function perform(ledger: Ledger, command: Command): Outcome {
  const outcome = attempt(ledger, command);
  if (outcome.kind === 'done' || outcome.status !== 422) return outcome;
  const nothing = { user: null, asset: null, postings: [], lines: [], reversed: 0n, reversals: 0 };
  const transaction = ledger.transactions.push({ type: command.kind, declined: true, ...nothing }) - 1;
  return { ...outcome, transaction };
}

function attempt(ledger: Ledger, command: Command): Outcome {
  switch (command.kind) {
    case 'topup':
      return move(ledger, command, { ...command, from: TREASURY, to: command.user });
    case 'bonus':
      return giveBonus(ledger, command);
    case 'spend':
      return move(ledger, command, { ...command, from: command.user, to: TREASURY });
    case 'transfer':
      return move(ledger, { ...command, user: command.from }, command);
    case 'exchange':
      return exchange(ledger, command);
    case 'postings': {
      const lines = missing(ledger, command.postings) ?? pay(ledger, command.postings);
      return post(ledger, { type: 'postings', user: null, asset: null, postings: command.postings }, lines);
    }
    case 'hold':
      return placeHold(ledger, command);
    case 'capture':
      return capture(ledger, command);
    case 'release':
      return release(ledger, command);
    case 'reversal':
      return reverse(ledger, command);
    case 'user.erase':
      return erase(ledger, command);
    case 'wallet.overdraft':
    case 'wallet.limits':
    case 'asset.limits':
      return setLimits(ledger, command);
    default:
      return setStatus(ledger, command);
  }
}

/** One that ends is in a pot of its own. */
function giveBonus(ledger: Ledger, command: CommandOf<'bonus'>): Outcome {
  const { user, asset, amount, days } = command;
  const into = days === null ? [] : [{ bonus: ledger.transactions.length, amount }];
  const postings = [{ from: TREASURY, to: user, asset, amount }];
  const lines = missing(ledger, postings) ?? pay(ledger, postings, { into: () => into });
  const outcome = post(ledger, { type: 'bonus', user, asset, postings }, lines);
  if (outcome.kind === 'done')
    for (const { bonus } of into)
      ledger.pots.push({
        bonus,
        owner: user,
        asset,
        amount,
        endsAt: ledger.now + days! * DAY_MS,
        left: amount,
        kept: 0n,
      });
  return outcome;
}

function move(
  ledger: Ledger,
  { kind, user, asset }: { kind: string; user: string; asset: string },
  { from, to, amount }: Posting,
): Outcome {
  const postings = [{ from, to, asset, amount }];
  return post(
    ledger,
    { type: kind, user, asset, postings },
    missing(ledger, postings) ?? pay(ledger, postings),
  );
}

/** `per` of the one for each `of` of the other, and nothing for what is left of less than one. */
function exchange(
  ledger: Ledger,
  { kind, user, asset, toAsset, amount, at }: CommandOf<'exchange'>,
): Outcome {
  const given = 'toAmount' in at ? at.toAmount : (amount * at.per - ((amount * at.per) % at.of)) / at.of;
  const postings = [
    { from: user, to: TREASURY, asset, amount },
    { from: TREASURY, to: user, asset: toAsset, amount: given },
  ];
  return post(
    ledger,
    { type: kind, user, asset, postings },
    missing(ledger, postings) ?? pay(ledger, postings),
  );
}

function reverse(ledger: Ledger, command: CommandOf<'reversal'>): Outcome {
  const original = ledger.transactions[command.transaction];
  if (original === undefined) return refused(404, 'transaction_not_found');
  const parties = original.postings.flatMap(({ from, to }) => [from, to]);
  if (parties.some((owner) => ledger.users.get(owner)?.erased)) return refused(410, 'subject_erased');
  const several = original.postings.length > 1;
  if (several && command.amount !== null) return refused(400, 'validation_failed');
  if (original.declined || ['reversal', 'expiry'].includes(original.type))
    return refused(422, 'not_reversible');
  const whole = original.postings.reduce((sum, { amount }) => sum + amount, 0n);
  const pot = ledger.pots.find(({ bonus }) => bonus === command.transaction);
  const left = pot === undefined ? whole - original.reversed : pot.left - pot.kept;
  const amount = command.amount ?? left;
  if (left === 0n || amount > left) return refused(422, 'reversal_exceeds_original');

  const postings = original.postings.toReversed().map((posting) => {
    return { ...posting, from: posting.to, to: posting.from, amount: several ? posting.amount : amount };
  });
  const { user } = original;
  const asset = several ? null : original.asset;
  const last = original.postings.length - 1;
  const into = (index: number): Taken[] => {
    const { amount: whole } = original.postings[last - index]!;
    const paid = { amount: whole, taken: original.lines[2 * (last - index)]!.pots };
    return backToPots(ledger, paid, { already: original.reversed, amount: several ? whole : amount });
  };
  const takesBack = { takesBack: true, into, first: command.transaction };
  const lines = pay(ledger, postings, { force: command.force, ...takesBack });
  const outcome = post(ledger, { type: 'reversal', user, asset, postings }, lines);
  if (outcome.kind === 'done') {
    original.reversed += amount;
    original.reversals += 1;
  }
  return outcome;
}
