/** What tests of exchanges begin with: a user with 1000 of one asset, and another to get. */
import { beforeEach } from 'node:test';
import { createAsset, type Reply } from '../support/service.ts';
import { openedHolder, type OpenedHolder } from './opened.ts';

export const EXCHANGE = '/transactions/exchange';

type ExchangeWords = {
  /** The slug of what is got; there may be 1000 of it. */
  readonly diamonds: string;
  readonly bodyFor: (fields?: object) => Record<string, unknown>;
  readonly exchange: (fields: object, key?: string) => Promise<Reply>;
  /** Of what was paid with, and of what was got. */
  readonly balances: () => Promise<[string, string]>;
};

export function openedExchange(): OpenedHolder & ExchangeWords {
  const at = openedHolder('1000');
  let diamonds = '';
  beforeEach(async () => {
    diamonds = await createAsset(at.service, { supplyCap: '1000' });
  });

  function bodyFor(fields: object = {}) {
    const { userId, assetSlug } = at.holder;
    return { userId, fromAsset: assetSlug, toAsset: diamonds, amount: '103', ...fields };
  }

  async function balanceOf(slug: string): Promise<string> {
    const { body } = await at.service.get(`/wallets/${at.holder.userId}/${slug}/balance?consistency=strong`);
    return body.balance;
  }

  const words: ExchangeWords = {
    get diamonds() {
      return diamonds;
    },
    bodyFor,
    exchange: (fields, key) => at.service.post(EXCHANGE, bodyFor(fields), key),
    balances: async () => [await balanceOf(at.holder.assetSlug), await balanceOf(diamonds)],
  };
  return Object.defineProperties(words as OpenedHolder & ExchangeWords, Object.getOwnPropertyDescriptors(at));
}
