/** What the reference speaks of. Owners and assets have names; one with @ is that of a system account. */
export type Posting = {
  readonly from: string;
  readonly to: string;
  readonly asset: string;
  readonly amount: bigint;
};

export type Command =
  | {
      readonly kind: 'topup' | 'spend';
      readonly user: string;
      readonly asset: string;
      readonly amount: bigint;
    }
  | {
      readonly kind: 'bonus';
      readonly user: string;
      readonly asset: string;
      readonly amount: bigint;
      /** When it ends; null: never. */
      readonly days: number | null;
    }
  | ({ readonly kind: 'transfer' } & Posting)
  | {
      readonly kind: 'exchange';
      readonly user: string;
      readonly asset: string;
      readonly toAsset: string;
      readonly amount: bigint;
      /** `per` of one for `of` of the other, or what is to be given. */
      readonly at: { readonly per: bigint; readonly of: bigint } | { readonly toAmount: bigint };
    }
  | { readonly kind: 'postings'; readonly postings: readonly Posting[] }
  | {
      readonly kind: 'hold';
      readonly user: string;
      readonly asset: string;
      readonly amount: bigint;
      readonly expires: boolean;
    }
  | {
      readonly kind: 'capture';
      readonly hold: number;
      readonly amount: bigint | null;
      readonly final: boolean | null;
      readonly to: string | null;
    }
  | { readonly kind: 'release'; readonly hold: number }
  | {
      readonly kind: 'reversal';
      readonly transaction: number;
      readonly amount: bigint | null;
      readonly force: boolean;
    }
  | { readonly kind: 'user.status'; readonly user: string; readonly barred: boolean }
  | { readonly kind: 'user.erase'; readonly user: string }
  | { readonly kind: 'asset.status'; readonly asset: string; readonly barred: boolean }
  | {
      readonly kind: 'wallet.status';
      readonly owner: string;
      readonly asset: string;
      readonly known: boolean;
      readonly barred: boolean;
    }
  | {
      readonly kind: 'wallet.overdraft';
      readonly owner: string;
      readonly asset: string;
      readonly known: boolean;
      readonly overdraft: bigint;
    }
  | {
      readonly kind: 'wallet.limits';
      readonly owner: string;
      readonly asset: string;
      readonly known: boolean;
      readonly limits: Limits;
    }
  | { readonly kind: 'asset.limits'; readonly asset: string; readonly limits: Limits };

export type Window = 'day' | 'week' | 'month';

/** Null: none. */
export type Limits = { readonly [Name in 'perTransaction' | Window]: bigint | null };

/** By one command of one wallet; of a hold what may still be paid out of it, and what was. */
export type Spend = {
  readonly wallet: string;
  amount: bigint;
  readonly at: number;
  /** Those of which a limit was in force. */
  readonly windows: readonly Window[];
  readonly hold: number | null;
};

export type Line = { readonly owner: string; readonly asset: string } & {
  readonly direction: 'DEBIT' | 'CREDIT';
  readonly amount: bigint;
  readonly balanceAfter: bigint;
  /** Out of the pots of its owner, or into them. */
  readonly pots: readonly Taken[];
};

/** So much of the pot of a bonus, by the number of its transaction. */
export type Taken = { readonly bonus: number; readonly amount: bigint };

/** `left` in it, `kept` of that by holds. */
export type Pot = {
  readonly bonus: number;
  readonly owner: string;
  readonly asset: string;
  readonly amount: bigint;
  /** The time from which nobody can spend it. */
  readonly endsAt: number;
  left: bigint;
  kept: bigint;
};

export type Hold = {
  readonly user: string;
  readonly asset: string;
  readonly amount: bigint;
  captured: bigint;
  remaining: bigint;
  status: 'open' | 'captured' | 'released' | 'expired';
  kept: Taken[];
  /** The time from which it is closed, noticed or not; null: never. */
  readonly endsAt: number | null;
};

/** A command that waits for its time. */
export type Schedule = {
  readonly command: Command;
  readonly at: number;
  status: 'scheduled' | 'executed' | 'failed' | 'cancelled';
};

export type Transaction = {
  readonly type: string;
  readonly declined: boolean;
  /** Whose it is, and in what; null where it is made of postings. */
  readonly user: string | null;
  readonly asset: string | null;
  readonly postings: readonly Posting[];
  readonly lines: readonly Line[];
  reversed: bigint;
  reversals: number;
};

/** Numbers are places in the ledger's lists. The hold is as it was right after the command. */
export type Done = {
  readonly kind: 'done';
  readonly transaction: number | null;
  readonly posted: Transaction | null;
  readonly hold: (Readonly<Hold> & { readonly number: number }) | null;
};

export type Refused = {
  readonly kind: 'refused';
  readonly status: 400 | 404 | 410 | 422;
  readonly code: string;
  readonly figures: Readonly<Record<string, bigint | string | null>>;
  /** The declined attempt, which has an id like any transaction. */
  readonly transaction: number | null;
};

export type Outcome = Done | Refused;

export type Ledger = {
  /** It stands still until it is moved. */
  now: number;
  readonly users: Map<string, { banned: boolean; erased: boolean }>;
  readonly assets: Map<string, { readonly cap: bigint | null; frozen: boolean }>;
  /** By walletName; those that money has moved in. */
  wallets: Map<string, { balance: bigint; held: bigint; frozen: boolean }>;
  /** By walletName. */
  overdrafts: Map<string, bigint>;
  limits: Map<string, Limits>;
  assetLimits: Map<string, Limits>;
  spends: Spend[];
  holds: Hold[];
  pots: Pot[];
  transactions: Transaction[];
  schedules: Schedule[];
};
