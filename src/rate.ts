/**
 * A rate of exchange: how many minor units of one asset are given for a minor unit of another. An exact decimal in JSON, a
 * fraction in memory. What it comes to is rounded down, so that rounding never makes money.
 */

/** What a rate looks like. Beyond that it is more than 0 and has at most 38 digits in all. */
export const RATE = /^(?:0|[1-9][0-9]{0,37})(?:\.[0-9]{1,18})?$/;

const MAX_DIGITS = 38;

export type Fraction = { readonly numerator: bigint; readonly denominator: bigint };

export function isRate(text: string): boolean {
  return RATE.test(text) && /[1-9]/.test(text) && text.replace('.', '').length <= MAX_DIGITS;
}

/** Says what is wrong with a text that should have been a rate, or null when nothing is. */
export function faultOfRate(text: string): string | null {
  if (isRate(text)) return null;
  if (text === '') return 'must not be empty: an exact decimal, such as "0.25"';
  if (/^[+-]/.test(text)) return 'must not have a sign';
  if (/^[0-9.]*[eE][+-]?[0-9]+$/.test(text)) return 'must not have an exponent: write out all digits';
  if (/^[0-9]*,[0-9]*$/.test(text)) return 'must have a point, not a comma';
  if (/^0+(?:\.0*)?$/.test(text)) return 'must be more than 0';
  if (/^0[0-9]/.test(text)) return 'must not have leading zeros';
  if (/^(?:\.[0-9]+|[0-9]+\.)$/.test(text)) return 'must have digits on both sides of the point';
  if (/^[0-9]+\.[0-9]{19,}$/.test(text)) return 'must have at most 18 digits after the point';
  if (/^[0-9]+(?:\.[0-9]+)?$/.test(text)) return 'must have at most 38 digits in all';
  return 'must be an exact decimal, such as "0.25"';
}

/** Of a rate, in lowest terms. */
export function fractionOfRate(rate: string): Fraction {
  const [whole = '', decimals = ''] = rate.split('.');
  return inLowestTerms({ numerator: BigInt(whole + decimals), denominator: 10n ** BigInt(decimals.length) });
}

/** Of a fraction above 0. */
export function inLowestTerms({ numerator, denominator }: Fraction): Fraction {
  let [divisor, rest] = [numerator, denominator];
  while (rest > 0n) [divisor, rest] = [rest, divisor % rest];
  return { numerator: numerator / divisor, denominator: denominator / divisor };
}

/** What an amount comes to at a rate; division of bigints above 0 rounds down. */
export function exchanged(amount: bigint, { numerator, denominator }: Fraction): bigint {
  return (amount * numerator) / denominator;
}
