/**
 * Amounts travel as strings of minor units and are written with as many decimals as their asset's scale. They
 * have up to 38 digits, more than a number can hold, so here they are only ever strings and BigInts.
 */

/** "-1234567" at scale 2 is "−12 345.67", with narrow spaces: a comma would be a decimal sign to somebody. */
export function formatAmount(minorUnits, scale) {
  const value = BigInt(minorUnits);
  const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale).replace(/\B(?=(?:\d{3})+$)/g, '\u202f');
  return `${value < 0n ? '−' : ''}${whole}${scale === 0 ? '' : `.${digits.slice(-scale)}`}`;
}

/** Answers `{ amount }` in minor units or `{ fault }`, a sentence. Nothing is ever rounded. */
export function parseAmount(text, scale) {
  const written = text.replaceAll(/\s/g, '');
  if (written === '') return { fault: `Write an amount. ${hintOf(scale)}` };
  const parts = /^(\d+)(?:\.(\d+))?$/.exec(written);
  if (parts === null) return { fault: `That is not an amount. ${hintOf(scale)}` };
  const [, whole, decimals = ''] = parts;
  if (decimals.length > scale) return { fault: `Too many decimals. ${hintOf(scale)}` };
  const amount = BigInt(whole + decimals.padEnd(scale, '0'));
  return amount === 0n ? { fault: 'The amount must be more than zero.' } : { amount: amount.toString() };
}

/** What may be written, for the line below the field. */
export function hintOf(scale) {
  if (scale === 0) return 'Whole units only, such as 12.';
  return `Up to ${scale} decimal${scale === 1 ? '' : 's'}, such as ${scale === 1 ? '12.3' : '12.34'}.`;
}
