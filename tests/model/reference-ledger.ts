/**
 * The rules of the contract once more, as plainly as they can be said, to hold the service to: no ids, no
 * events, no locks, and nothing of src.
 */
import { isSystem, refused, walletName } from './reference-words.ts';
import { beyondLimits, note, takeBack } from './reference-limits.ts';
import { backToPots, keepInPots, letGoOfPots, takeFromPots } from './reference-pots.ts';
import type {
  Command,
  Done,
  Hold,
  Ledger,
  Line,
  Outcome,
  Posting,
  Refused,
  Taken,
  Transaction,
} from './reference-terms.ts';

type CommandOf<Kind extends Command['kind']> = Extract<Command, { kind: Kind }>;

const TREASURY = '@treasury';
const LARGEST = 10n ** 38n - 1n;

export function newLedger(users: readonly string[], caps: Readonly<Record<string, bigint | null>>): Ledger {
  return {
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
  };
}

export function walletIn(ledger: Ledger, owner: string, asset: string) {
  return ledger.wallets.get(walletName(owner, asset)) ?? { balance: 0n, held: 0n, frozen: false };
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
      ledger.pots.push({ bonus, owner: user, asset, amount, days: days!, left: amount, kept: 0n });
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

function post(
  ledger: Ledger,
  posted: Pick<Transaction, 'type' | 'user' | 'asset' | 'postings'>,
  lines: readonly Line[] | Refused,
): Outcome {
  if ('kind' in lines) return lines;
  const transaction = { ...posted, declined: false, lines, reversed: 0n, reversals: 0 };
  return done({ transaction: ledger.transactions.push(transaction) - 1, posted: { ...transaction } });
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

function placeHold(ledger: Ledger, { user, asset, amount }: CommandOf<'hold'>): Outcome {
  const reserved = [{ from: user, to: user, asset, amount }];
  const refusal = missing(ledger, reserved) ?? barred(ledger, reserved);
  if (refusal !== null) return refusal;
  const wallet = walletIn(ledger, user, asset);
  const available = wallet.balance - wallet.held;
  if (available - amount < -overdraftOf(ledger, user, asset))
    return refused(422, 'insufficient_funds', { available, required: amount });
  const beyond = beyondLimits(ledger, reserved);
  if (beyond !== null) return beyond;
  ledger.wallets.set(walletName(user, asset), { ...wallet, held: wallet.held + amount });
  const kept = keepInPots(ledger, { owner: user, asset, amount });
  const hold: Hold = { user, asset, amount, captured: 0n, remaining: amount, status: 'open', kept };
  const number = ledger.holds.push(hold) - 1;
  note(ledger, reserved, number);
  return done({ hold: { ...hold, number } });
}

function capture(ledger: Ledger, command: CommandOf<'capture'>): Outcome {
  const hold = ledger.holds[command.hold];
  if (hold === undefined) return refused(404, 'hold_not_found');
  const { user, asset, remaining } = hold;
  const to = command.to ?? TREASURY;
  if (to === user) return refused(400, 'validation_failed');
  const amount = command.amount ?? remaining;
  const postings = [{ from: user, to, asset, amount }];
  const unknown = missing(ledger, postings);
  if (unknown !== null) return unknown;
  if (hold.status !== 'open') return refused(422, 'hold_closed');
  if (amount > remaining) return refused(422, 'hold_exceeded');
  // What was held is there: a capture lowers balance and held alike.
  const lines = pay(ledger, postings, { fromHold: hold });
  const outcome = post(ledger, { type: 'capture', user, asset, postings }, lines);
  if (outcome.kind === 'refused') return outcome;
  const closed = command.final !== false || amount === remaining;
  letGo(ledger, hold, closed ? remaining : amount);
  if (closed) takeBack(ledger, command.hold, remaining - amount);
  hold.captured += amount;
  if (closed) {
    hold.status = 'captured';
    letGoOfPots(ledger, hold, { amount: remaining, paid: false });
  }
  return { ...outcome, hold: { ...hold, number: command.hold } };
}

function release(ledger: Ledger, command: CommandOf<'release'>): Outcome {
  const hold = ledger.holds[command.hold];
  if (hold === undefined) return refused(404, 'hold_not_found');
  if (hold.status !== 'open') return refused(422, 'hold_closed');
  takeBack(ledger, command.hold, hold.remaining);
  letGo(ledger, hold, hold.remaining);
  letGoOfPots(ledger, hold, { amount: hold.amount, paid: false });
  hold.status = 'released';
  return done({ hold: { ...hold, number: command.hold } });
}

function letGo(ledger: Ledger, hold: Hold, amount: bigint): void {
  const wallet = walletIn(ledger, hold.user, hold.asset);
  ledger.wallets.set(walletName(hold.user, hold.asset), { ...wallet, held: wallet.held - amount });
  hold.remaining -= amount;
}

function reverse(ledger: Ledger, command: CommandOf<'reversal'>): Outcome {
  const original = ledger.transactions[command.transaction];
  if (original === undefined) return refused(404, 'transaction_not_found');
  const parties = original.postings.flatMap(({ from, to }) => [from, to]);
  if (parties.some((owner) => ledger.users.get(owner)?.erased)) return refused(410, 'subject_erased');
  const several = original.postings.length > 1;
  if (several && command.amount !== null) return refused(400, 'validation_failed');
  if (original.declined || original.type === 'reversal') return refused(422, 'not_reversible');
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

/** For ever, and only of one who has nothing and owes nothing. */
function erase(ledger: Ledger, command: CommandOf<'user.erase'>): Outcome {
  const user = ledger.users.get(command.user);
  if (user === undefined) return refused(404, 'user_not_found');
  if (user.erased) return refused(410, 'subject_erased');
  const wallets = [...ledger.assets.keys()].map((asset) => walletIn(ledger, command.user, asset));
  const left = wallets.filter(({ balance, held }) => balance !== 0n || held !== 0n).length;
  if (left > 0) return refused(422, 'user_not_empty', { wallets: BigInt(left) });
  user.erased = true;
  return done({});
}

function setStatus(
  ledger: Ledger,
  command: CommandOf<'user.status' | 'asset.status' | 'wallet.status'>,
): Outcome {
  if (command.kind === 'user.status') {
    const user = ledger.users.get(command.user);
    if (user === undefined) return refused(404, 'user_not_found');
    if (user.erased) return refused(410, 'subject_erased');
    user.banned = command.barred;
  } else if (command.kind === 'asset.status') {
    const asset = ledger.assets.get(command.asset);
    if (asset === undefined) return refused(404, 'asset_not_found');
    asset.frozen = command.barred;
  } else {
    if (!command.known) return refused(404, 'wallet_not_found');
    const wallet = walletIn(ledger, command.owner, command.asset);
    ledger.wallets.set(walletName(command.owner, command.asset), { ...wallet, frozen: command.barred });
  }
  return done({});
}

function setLimits(
  ledger: Ledger,
  command: CommandOf<'wallet.overdraft' | 'wallet.limits' | 'asset.limits'>,
): Outcome {
  if (command.kind === 'asset.limits') {
    if (!ledger.assets.has(command.asset)) return refused(404, 'asset_not_found');
    ledger.assetLimits.set(command.asset, command.limits);
    return done({});
  }
  if (!command.known) return refused(404, 'wallet_not_found');
  if (isSystem(command.owner)) return refused(400, 'validation_failed');
  const name = walletName(command.owner, command.asset);
  if (command.kind === 'wallet.overdraft') ledger.overdrafts.set(name, command.overdraft);
  else ledger.limits.set(name, command.limits);
  return done({});
}

function missing(ledger: Ledger, postings: readonly Posting[]): Refused | null {
  for (const { from, to, asset } of postings) {
    for (const owner of [from, to].filter((party) => !isSystem(party))) {
      const user = ledger.users.get(owner);
      if (user === undefined) return refused(404, 'user_not_found');
      if (user.erased) return refused(410, 'subject_erased');
    }
    if (!ledger.assets.has(asset)) return refused(404, 'asset_not_found');
  }
  return null;
}

function barred(ledger: Ledger, postings: readonly Posting[]): Refused | null {
  for (const { from, to, asset } of postings) {
    if ([from, to].some((owner) => ledger.users.get(owner)?.banned)) return refused(422, 'user_banned');
    if (ledger.assets.get(asset)?.frozen) return refused(422, 'asset_frozen');
    if ([from, to].some((owner) => walletIn(ledger, owner, asset).frozen))
      return refused(422, 'wallet_frozen');
  }
  return null;
}

type Rules = {
  readonly force?: boolean;
  readonly fromHold?: Hold;
  readonly takesBack?: boolean;
  /** The pot that is taken from before the others. */
  readonly first?: number;
  /** Into which pots the posting goes; asked once it was taken from its payer. */
  readonly into?: (index: number) => Taken[];
};

/** One after the other, each from what those before it left: all of them, or none. */
function pay(ledger: Ledger, postings: readonly Posting[], rules: Rules = {}): Line[] | Refused {
  const stopped = rules.force === true ? null : barred(ledger, postings);
  if (stopped !== null) return stopped;
  const before = ledger.wallets;
  const potsBefore = structuredClone(ledger.pots);
  ledger.wallets = new Map(before);
  const lines: Line[] = [];
  for (const [index, posting] of postings.entries()) {
    const { from, to, asset, amount } = posting;
    const payer = walletIn(ledger, from, asset);
    const payee = walletIn(ledger, to, asset);
    const balances = { from: payer.balance - amount, to: payee.balance + amount };
    const outOfRange = -balances.from > LARGEST || balances.to > LARGEST;
    const refusal =
      unaffordable(ledger, posting, rules) ?? (outOfRange ? refused(422, 'balance_out_of_range') : null);
    if (refusal !== null) {
      ledger.wallets = before;
      ledger.pots = potsBefore;
      return refusal;
    }
    ledger.wallets.set(walletName(from, asset), { ...payer, balance: balances.from });
    ledger.wallets.set(walletName(to, asset), { ...payee, balance: balances.to });
    const taken =
      rules.fromHold === undefined
        ? takeFromPots(ledger, { owner: from, asset, amount, first: rules.first ?? -1 })
        : letGoOfPots(ledger, rules.fromHold, { amount, paid: true });
    const put = rules.into?.(index) ?? [];
    lines.push({ owner: from, asset, direction: 'DEBIT', amount, balanceAfter: balances.from, pots: taken });
    lines.push({ owner: to, asset, direction: 'CREDIT', amount, balanceAfter: balances.to, pots: put });
  }
  if (rules.fromHold !== undefined || rules.takesBack === true) return lines;
  const beyond = beyondLimits(ledger, postings);
  if (beyond !== null) {
    ledger.wallets = before;
    ledger.pots = potsBefore;
    return beyond;
  }
  note(ledger, postings);
  return lines;
}

function unaffordable(ledger: Ledger, { from, asset, amount }: Posting, rules: Rules): Refused | null {
  const { balance, held } = walletIn(ledger, from, asset);
  if (from === TREASURY) {
    const cap = ledger.assets.get(asset)?.cap ?? null;
    return cap === null || balance - amount >= -cap ? null : refused(422, 'supply_cap_exceeded');
  }
  if (rules.fromHold !== undefined || (rules.force === true && !isSystem(from))) return null;
  const available = balance - held;
  if (available - amount >= -overdraftOf(ledger, from, asset)) return null;
  return refused(422, 'insufficient_funds', { available, required: amount });
}

function overdraftOf(ledger: Ledger, owner: string, asset: string): bigint {
  return ledger.overdrafts.get(walletName(owner, asset)) ?? 0n;
}

function done(made: Partial<Done>): Done {
  return { kind: 'done', transaction: null, posted: null, hold: null, ...made };
}
