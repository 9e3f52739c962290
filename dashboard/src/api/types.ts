/** What the service answers, as its own schemas have it. */
import type { z } from 'zod';
import type * as audit from '../../../src/http/audit-resources.ts';
import type * as log from '../../../src/http/log-resources.ts';
import type * as operations from '../../../src/http/operation-resources.ts';
import type * as resources from '../../../src/http/resources.ts';
import type * as transactions from '../../../src/http/transaction-resources.ts';
import type * as wallets from '../../../src/http/wallet-resources.ts';

export type User = z.output<typeof resources.user>;
export type Wallet = z.output<typeof resources.wallet>;
export type Balance = z.output<typeof resources.balanceAnswer>;
export type Asset = z.output<typeof resources.asset>;
export type HistoryLine = z.output<typeof wallets.historyLine>;
export type Transaction = z.output<typeof transactions.transaction>;
export type PostedTransaction = z.output<typeof transactions.postedTransaction>;
export type Hold = z.output<typeof transactions.hold>;
export type LedgerEvent = z.output<typeof log.event>;
export type EventPage = z.output<typeof log.eventPage>;
export type DailyBalance = z.output<typeof resources.dailyBalance>;
export type DailyActivity = z.output<typeof resources.dailyActivity>;
export type TrialBalance = z.output<typeof resources.trialBalance>;
export type Checkpoint = z.output<typeof audit.checkpoint>;
export type InclusionProof = z.output<typeof audit.inclusionProof>;
export type Operations = z.output<typeof operations.operations>;
export type Projection = z.output<typeof operations.projectionStatus>;
export type Drift = z.output<typeof operations.drift>;
export type Rebuild = z.output<typeof operations.rebuildRun>;
export type Verification = z.output<typeof audit.verification>;
export type PublicKey = z.output<typeof audit.publicKey>;

export type Page<Item> = { readonly data: Item[]; readonly nextCursor: string | null };
