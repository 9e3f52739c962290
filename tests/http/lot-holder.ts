/** What tests of expiring bonuses begin with: a user with 100, and the words for lots. */
import assert from 'node:assert/strict';
import { headPosition } from '../support/ledger-facts.ts';
import type { Reply } from '../support/service.ts';
import { until } from '../support/until.ts';
import { openedHolder, type OpenedHolder } from './opened.ts';
import { giveBonus, type More } from './payments.ts';

export const SOON_MS = 700;

export function openedLots() {
  const at = openedHolder('100');

  async function lots(query = ''): Promise<Reply> {
    const head = await headPosition(at.owner);
    return at.service.get(`/wallets/${at.walletId}/lots?atLeast=${head}${query}`);
  }

  async function balance(query = '?consistency=strong'): Promise<Reply> {
    const { userId, assetSlug } = at.holder;
    return at.service.get(`/wallets/${userId}/${assetSlug}/balance${query}`);
  }

  return Object.defineProperties(
    {
      lots,
      balance,
      inMs: (ms: number): string => new Date(Date.now() + ms).toISOString(),
      /** Given to the user; resolves to its id. */
      async lot(amount: string, more: More = { expiresInDays: 30 }): Promise<string> {
        const reply = await giveBonus(at.service, at.holder, amount, more);
        assert.equal(reply.status, 201, reply.text);
        return String(reply.body.transactionId);
      },
      /** What is left of each, in the order in which they were given. */
      async left(...ids: string[]): Promise<string[]> {
        const { body } = await lots();
        const byId = new Map<string, string>(
          body.data.map((each: { lotId: string; remaining: string }) => [each.lotId, each.remaining]),
        );
        return ids.map((id) => byId.get(id) ?? 'none');
      },
      async expectBalance(expected: string, held = '0'): Promise<void> {
        const { body } = await balance();
        assert.deepEqual([body.balance, body.held], [expected, held]);
      },
      async untilExpired(lotId: string): Promise<Reply> {
        return until('the lot has expired', async () => {
          const found = await at.service.get(`/transactions?userId=${at.holder.userId}&type=expiry`);
          const expired = found.body.data.some((each: { expires: string }) => each.expires === lotId);
          return expired && found;
        });
      },
    } as OpenedHolder & LotWords,
    Object.getOwnPropertyDescriptors(at),
  );
}

type LotWords = {
  readonly lots: (query?: string) => Promise<Reply>;
  readonly balance: (query?: string) => Promise<Reply>;
  readonly inMs: (ms: number) => string;
  readonly lot: (amount: string, more?: More) => Promise<string>;
  readonly left: (...ids: string[]) => Promise<string[]>;
  readonly expectBalance: (expected: string, held?: string) => Promise<void>;
  readonly untilExpired: (lotId: string) => Promise<Reply>;
};
