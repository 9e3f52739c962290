/**
 * Holds an exchange against its own terms: the rate that was asked for, the fraction that was kept, what it comes to, and the two postings that
 * moved it. By multiplying alone, and with nothing of what decides exchanges: a mistake there must not be repeated here.
 */
import type { ExchangeTerms, Fact, Posting } from '../../events/catalog.ts';

type Fault = { readonly expected: string; readonly found: string };

/** Null for an exchange, posted or declined, that is right, and for whatever is none. */
export function faultOfExchange(event: Fact): Fault | null {
  if (event.type !== 'transaction.posted' && event.type !== 'transaction.rejected') return null;
  const { type, exchange, asset, amount } = event.data;
  if (type !== 'exchange')
    return exchange === undefined
      ? null
      : { expected: 'no terms of an exchange', found: `those of a ${type}` };
  if (exchange === undefined) return { expected: 'the terms of the exchange', found: 'none' };
  const { fromAsset } = exchange;
  if (fromAsset !== asset || exchange.amount !== amount)
    return { expected: `${exchange.amount} of ${fromAsset}`, found: `${amount} of ${asset}` };
  return (
    faultOfRate(exchange) ??
    faultOfResult(exchange) ??
    (event.type === 'transaction.posted' ? faultOfPostings(exchange, event.data.postings) : null)
  );
}

/** The fraction is that of the decimal, or gives toAmount without a rest; and it cannot be reduced. */
function faultOfRate({ rate, amount, toAmount, ...kept }: ExchangeTerms): Fault | null {
  const [numerator, denominator] = [BigInt(kept.numerator), BigInt(kept.denominator)];
  const found = `${numerator}/${denominator}`;
  if (!isReduced(numerator, denominator)) return { expected: 'a rate in lowest terms', found };
  if (rate === null) {
    const exact = BigInt(toAmount) * denominator === BigInt(amount) * numerator;
    return exact ? null : { expected: `the rate ${toAmount}/${amount}`, found };
  }
  const point = rate.indexOf('.');
  const decimals = point === -1 ? 0 : rate.length - point - 1;
  const same = BigInt(rate.replace('.', '')) * denominator === numerator * 10n ** BigInt(decimals);
  return same ? null : { expected: `the rate ${rate}`, found };
}

function isReduced(numerator: bigint, denominator: bigint): boolean {
  let [one, other] = [numerator, denominator];
  while (other !== 0n) [one, other] = [other, one % other];
  return one === 1n;
}

/** The most that is not more than the amount is worth. */
function faultOfResult({ amount, toAmount, numerator, denominator, fromAsset, toAsset }: ExchangeTerms) {
  const worth = BigInt(amount) * BigInt(numerator);
  const given = BigInt(toAmount) * BigInt(denominator);
  if (given <= worth && worth < given + BigInt(denominator)) return null;
  const expected = `${amount} of ${fromAsset} at ${numerator}/${denominator}, rounded down`;
  return { expected, found: `${toAmount} of ${toAsset}` };
}

/** From wallet to wallet in the one asset, and between two others in the other. */
function faultOfPostings(terms: ExchangeTerms, postings: readonly Posting[]): Fault | null {
  const { fromAsset, amount, toAsset, toAmount } = terms;
  const expected = `postings of ${amount} ${fromAsset}, ${toAmount} ${toAsset}`;
  const moved = postings.map((posting) => `${posting.amount} ${posting.asset}`).join(', ');
  if (expected !== `postings of ${moved}`) return { expected, found: `postings of ${moved}` };
  const wallets = new Set(postings.flatMap(({ from, to }) => [from.walletId, to.walletId]));
  if (wallets.size === 4 && fromAsset !== toAsset) return null;
  return { expected: 'two wallets in each of two assets', found: `${wallets.size} wallets` };
}
