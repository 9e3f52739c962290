/** Types of transactions as people read them. */

const TYPES = new Map([
  ['topup', 'Top up'],
  ['spend', 'Spend'],
  ['bonus', 'Bonus'],
  ['transfer', 'Transfer'],
  ['exchange', 'Exchange'],
  ['hold', 'Hold'],
  ['capture', 'Capture'],
  ['release', 'Release'],
  ['reversal', 'Reversal'],
  ['expiry', 'Expiry'],
  ['postings', 'Postings'],
]);

/** Types that the service gives, for filters. */
export const TRANSACTION_TYPES = [...TYPES];

/** Some transactions have a type of their users' own making. */
export function typeName(type: string): string {
  return TYPES.get(type) ?? type.replaceAll('_', ' ');
}

/** Why something was declined: "insufficient_funds" is "Insufficient funds". */
export function reasonName(code: string): string {
  const words = code.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
