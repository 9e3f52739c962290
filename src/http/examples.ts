/** Examples for the OpenAPI document. The contract tests hold them to the schemas of the answers. */
export const at = '2026-01-01T00:00:00.000Z';
export const userId = '01998a6e-7c00-7000-8000-000000000001';
const walletId = '01998a6e-7c00-7000-8000-000000000002';
const treasuryId = '01998a6e-7c00-7000-8000-000000000003';
export const transactionId = '01998a6e-7c00-7000-8000-000000000004';
const assetId = '01998a6e-7c00-7000-8000-000000000005';

export const written = { position: '42', recordedAt: at };

export const moneyBody = {
  userId,
  assetSlug: 'gold_coins',
  amount: '100',
  reference: 'order-1001',
  metadata: { order: 'A-1001' },
};

export const transferBody = {
  fromUserId: userId,
  toUserId: '01998a6e-7c00-7000-8000-000000000007',
  assetSlug: 'gold_coins',
  amount: '100',
};

export const limits = { perTransaction: '100', day: '1000', week: null, month: null };

const noWindow = { limit: null, scope: null, used: '0', left: null, freesAt: null };
const left = {
  perTransaction: { limit: '100', scope: 'wallet' },
  day: {
    ...{ limit: '1000', scope: 'wallet', used: '250', left: '750' },
    freesAt: '2026-01-02T01:00:00.000Z',
  },
  week: noWindow,
  month: noWindow,
};

export const walletLimits = { walletId, overdraft: { limit: '500', used: '20' }, ...left };

export const health = { status: 'ok', startedAt: at };

export const readiness = { status: 'ready', reason: null };

export const user = { id: userId, email: 'alice@example.com', status: 'ACTIVE', createdAt: at };

export const erasedUser = { ...user, email: null, status: 'ERASED', ...written };

export const asset = {
  id: assetId,
  slug: 'gold_coins',
  name: 'Gold coins',
  scale: 0,
  status: 'ACTIVE',
  supplyCap: null,
};

export const wallet = {
  id: walletId,
  userId,
  system: null,
  asset: { slug: 'gold_coins', name: 'Gold coins', scale: 0, status: 'ACTIVE' },
  balance: '100',
  held: '0',
  available: '100',
  status: 'ACTIVE',
};

export const balance = {
  balance: '100',
  asset: 'gold_coins',
  userId,
  held: '0',
  available: '100',
  walletId,
  position: '42',
  expiring: [{ amount: '30', at: '2026-02-01T00:00:00.000Z' }],
};

export const bonusBody = {
  userId,
  assetSlug: 'gold_coins',
  amount: '100',
  expiresInDays: 30,
  reference: 'welcome',
};

export const lot = {
  lotId: transactionId,
  walletId,
  amount: '100',
  remaining: '30',
  reserved: '0',
  spent: '70',
  expired: '0',
  status: 'open',
  expiresAt: '2026-02-01T00:00:00.000Z',
};

export function transaction(type: 'topup' | 'bonus' | 'spend' | 'transfer') {
  const outgoing = type === 'spend' || type === 'transfer';
  const other = type === 'transfer' ? '01998a6e-7c00-7000-8000-000000000006' : treasuryId;
  const [from, to] = outgoing ? [walletId, other] : [other, walletId];
  return {
    transactionId,
    type,
    status: 'posted',
    asset: 'gold_coins',
    userId,
    amount: '100',
    balanceAfter: outgoing ? '400' : '100',
    entries: [
      { walletId: from, direction: 'DEBIT', amount: '100', balanceAfter: outgoing ? '400' : '-100' },
      { walletId: to, direction: 'CREDIT', amount: '100', balanceAfter: outgoing ? '-400' : '100' },
    ],
    position: '42',
    recordedAt: at,
    reference: null,
    metadata: null,
    ...(type === 'transfer' ? { toUserId: '01998a6e-7c00-7000-8000-000000000007' } : {}),
  };
}

export const exchangeBody = {
  userId,
  fromAsset: 'gold_coins',
  toAsset: 'diamonds',
  amount: '103',
  rate: '0.25',
  reference: 'order-1001',
};

const diamondsId = '01998a6e-7c00-7000-8000-00000000000d';
const diamondsTreasuryId = '01998a6e-7c00-7000-8000-00000000000e';

export const exchange = {
  ...transaction('spend'),
  type: 'exchange',
  ...{ amount: '103', balanceAfter: '397' },
  entries: [
    { walletId, direction: 'DEBIT', asset: 'gold_coins', amount: '103', balanceAfter: '397' },
    { walletId: treasuryId, direction: 'CREDIT', asset: 'gold_coins', amount: '103', balanceAfter: '-397' },
    {
      walletId: diamondsTreasuryId,
      direction: 'DEBIT',
      asset: 'diamonds',
      amount: '25',
      balanceAfter: '-25',
    },
    { walletId: diamondsId, direction: 'CREDIT', asset: 'diamonds', amount: '25', balanceAfter: '25' },
  ],
  ...{ fromAsset: 'gold_coins', toAsset: 'diamonds', toAmount: '25', toBalanceAfter: '25' },
  ...{ rate: '0.25', exactRate: { numerator: '1', denominator: '4' }, rounding: 'down' },
};

export const postingsBody = {
  postings: [
    { from: { userId }, to: { system: 'revenue' }, assetSlug: 'gold_coins', amount: '95' },
    { from: { userId }, to: { system: 'fees' }, assetSlug: 'gold_coins', amount: '5' },
  ],
  type: 'purchase',
  reference: 'order-1001',
};

const revenueId = '01998a6e-7c00-7000-8000-000000000009';
const feesId = '01998a6e-7c00-7000-8000-00000000000b';

export const postings = {
  ...transaction('spend'),
  type: 'purchase',
  ...{ asset: null, userId: null, amount: null, balanceAfter: null },
  entries: [
    { walletId, direction: 'DEBIT', asset: 'gold_coins', amount: '95', balanceAfter: '5' },
    { walletId: revenueId, direction: 'CREDIT', asset: 'gold_coins', amount: '95', balanceAfter: '95' },
    { walletId, direction: 'DEBIT', asset: 'gold_coins', amount: '5', balanceAfter: '0' },
    { walletId: feesId, direction: 'CREDIT', asset: 'gold_coins', amount: '5', balanceAfter: '5' },
  ],
};

export const reversal = {
  ...transaction('bonus'),
  type: 'reversal',
  reverses: transactionId,
  reason: 'returned',
};

export const holdBody = {
  userId,
  assetSlug: 'gold_coins',
  amount: '100',
  expiresInSeconds: 900,
  reference: 'booking-7',
};

export const bonus = { ...transaction('bonus'), expiresAt: '2026-02-01T00:00:00.000Z' };

export const hold = {
  holdId: '01998a6e-7c00-7000-8000-00000000000c',
  walletId,
  userId,
  asset: 'gold_coins',
  amount: '100',
  captured: '0',
  remaining: '100',
  status: 'open',
  expiresAt: '2026-01-01T00:15:00.000Z',
  reference: 'booking-7',
};

export const batchBody = {
  commands: [
    { idempotencyKey: 'order-1001-a', type: 'topup', userId, assetSlug: 'gold_coins', amount: '100' },
    { idempotencyKey: 'order-1001-b', type: 'spend', userId, assetSlug: 'gold_coins', amount: '40' },
  ],
  atomic: true,
};

export const explanation = {
  walletId,
  position: '42',
  opening: '0',
  movements: [
    { type: 'spend', count: '2', credits: '0', debits: '50' },
    { type: 'topup', count: '1', credits: '150', debits: '0' },
  ],
  balance: '100',
  holds: [hold],
  holdCount: '1',
  held: '100',
  lots: [
    {
      ...{ lotId: transactionId, amount: '100', remaining: '30', reserved: '10' },
      expiresAt: '2026-02-01T00:00:00.000Z',
    },
  ],
  available: '0',
  limits: { overdraft: { limit: '500', used: '0' }, ...left },
};

export const historyLine = {
  position: '42',
  transactionId,
  type: 'topup',
  direction: 'CREDIT',
  amount: '100',
  balanceAfter: '100',
  counterparty: { system: 'treasury' },
  reference: null,
  metadata: null,
  recordedAt: at,
};

export const event = {
  position: '41',
  id: '01998a6e-7c00-7000-8000-000000000008',
  type: 'wallet.opened',
  version: 1,
  occurredAt: at,
  recordedAt: at,
  actor: 'anonymous',
  idempotencyKey: null,
  correlationId: null,
  relatedId: null,
  data: { asset: 'gold_coins', assetId, floor: '0', owner: { userId }, walletId },
};

export const projection = {
  name: 'wallet_balances',
  version: 1,
  position: '42',
  headPosition: '42',
  lagEvents: '0',
  lagMs: 0,
  state: 'live',
  error: null,
  failedPosition: null,
  rebuild: null,
};

export const activity = { at, type: 'topup', posted: '3', volume: '300', rejected: '0' };

export const dailyBalance = { date: '2026-01-01', balance: '100', held: '0' };

export const dailyActivity = {
  date: '2026-01-01',
  circulation: '900',
  types: { topup: { count: '3', volume: '300' } },
};

export const trialBalance = {
  position: '42',
  assets: [{ asset: 'gold_coins', sum: '0', circulation: '100', wallets: '2' }],
};

export function listOf(item: unknown) {
  return { data: [item], nextCursor: null };
}
