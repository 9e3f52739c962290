/**
 * Money is an integer of minor units: `bigint` in memory, `numeric(38,0)` in PostgreSQL, a string of
 * digits in JSON. A float never touches it.
 */

/** The largest amount and the largest balance in either direction: 38 digits. */
export const MAX_AMOUNT = 10n ** 38n - 1n;

/** A positive amount, and one that may be zero, of at most 38 digits. */
export const AMOUNT = /^[1-9][0-9]{0,37}$/;
export const AMOUNT_OR_ZERO = /^(?:0|[1-9][0-9]{0,37})$/;

/** True for a string that is a positive amount of at most 38 digits. */
export function isAmount(text: string): boolean {
  return AMOUNT.test(text);
}

/** True for a string that is zero or a positive amount of at most 38 digits. */
export function isAmountOrZero(text: string): boolean {
  return AMOUNT_OR_ZERO.test(text);
}

/** True while a balance, positive or negative, has at most 38 digits. */
export function isInRange(balance: bigint): boolean {
  return balance <= MAX_AMOUNT && balance >= -MAX_AMOUNT;
}

/** Says what is wrong with a text that should have been an amount, or null when nothing is. */
export function faultOfAmount(text: string, options: { zeroAllowed: boolean }): string | null {
  if (options.zeroAllowed ? isAmountOrZero(text) : isAmount(text)) return null;
  if (text === '') return 'must not be empty: a string of digits in minor units, such as "100"';
  if (text === '0') return 'must be more than 0';
  if (/^[+-]/.test(text)) return 'must not have a sign: the command says which way the money moves';
  if (/^[0-9.]*[eE][+-]?[0-9]+$/.test(text)) return 'must not have an exponent: write out all digits';
  if (/^[0-9]*[.,][0-9]*$/.test(text)) return 'must not have a decimal point: count in minor units';
  if (/^0[0-9]+$/.test(text)) return 'must not have leading zeros';
  if (/^[0-9]+$/.test(text)) return 'must have at most 38 digits';
  return 'must be a string of digits in minor units, such as "100"';
}
