/** The terms of an exchange: what is given for an amount. They follow from the request alone, whatever the balances. */
import type { ExchangeTerms } from '../events/catalog.ts';
import { isAmount, isInRange } from '../money.ts';
import { exchanged, fractionOfRate, inLowestTerms, isRate, type Fraction } from '../rate.ts';

/** By a rate, or by what is to be given: exactly one of the two. */
type Asked = {
  readonly amount: string;
  readonly rate?: string | undefined;
  readonly toAmount?: string | undefined;
};

/** What is wrong with them, of a request whose fields have been looked at one by one. */
export function faultOfTerms({ amount, rate, toAmount }: Asked): { path: string; message: string } | null {
  if (rate !== undefined && toAmount !== undefined)
    return { path: 'rate', message: 'must not stand beside toAmount: give exactly one of rate and toAmount' };
  if (rate === undefined) {
    if (toAmount !== undefined) return null;
    return { path: 'rate', message: 'is missing, and so is toAmount: give exactly one of rate and toAmount' };
  }
  // What is wrong with either by itself has been said.
  if (!isAmount(amount) || !isRate(rate)) return null;
  const result = exchanged(BigInt(amount), fractionOfRate(rate));
  if (result === 0n)
    return {
      path: 'amount',
      message: 'buys nothing: at this rate it is less than one minor unit of toAsset',
    };
  if (!isInRange(result))
    return { path: 'amount', message: 'comes to more than 38 digits of toAsset at this rate' };
  return null;
}

/** Of a request that is valid: `rate` as it was given, null where `toAmount` was; the fraction is exact either way. */
export function termsOf(
  asked: Asked & { readonly fromAsset: string; readonly toAsset: string },
): ExchangeTerms {
  const { fromAsset, toAsset, amount, rate } = asked;
  const fraction = rate === undefined ? fractionOfAmounts(asked) : fractionOfRate(rate);
  return {
    ...{ fromAsset, toAsset, amount, toAmount: exchanged(BigInt(amount), fraction).toString() },
    rate: rate ?? null,
    numerator: fraction.numerator.toString(),
    denominator: fraction.denominator.toString(),
    rounding: 'down',
  };
}

function fractionOfAmounts({ amount, toAmount }: Asked): Fraction {
  if (toAmount === undefined) throw new Error('an exchange has neither rate nor toAmount');
  return inLowestTerms({ numerator: BigInt(toAmount), denominator: BigInt(amount) });
}
