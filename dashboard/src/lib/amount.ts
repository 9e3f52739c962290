/**
 * Amounts travel as strings of minor units and are written with as many decimals as their asset's scale. They have up to
 * 38 digits, more than a number can hold, so here they are only ever strings and bigints.
 */

/** "-1234567" at scale 2 is "−12 345.67", with narrow spaces: a comma would be a decimal sign to somebody. */
export function formatAmount(minorUnits: string | bigint, scale: number): string {
  const value = BigInt(minorUnits);
  const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, '0');
  const whole = grouped(digits.slice(0, digits.length - scale));
  return `${value < 0n ? '−' : ''}${whole}${scale === 0 ? '' : `.${digits.slice(-scale)}`}`;
}

/** "1234567" is "1 234 567", with narrow spaces. */
export function grouped(digits: string): string {
  return digits.replaceAll(/\B(?=(?:\d{3})+$)/g, '\u202f');
}

export type ParsedAmount = { readonly amount: string } | { readonly fault: string };

/** What was typed, in minor units, or a sentence about what is wrong with it. Nothing is ever rounded. */
export function parseAmount(text: string, scale: number): ParsedAmount {
  const written = text.replaceAll(/\s/g, '');
  if (written === '') return { fault: `Enter an amount. ${hintOf(scale)}` };
  const [found, whole = '', decimals = ''] = /^(\d+)(?:\.(\d+))?$/.exec(written) ?? [];
  if (found === undefined) return { fault: `That is not an amount. ${hintOf(scale)}` };
  if (decimals.length > scale) return { fault: `Too many decimals. ${hintOf(scale)}` };
  const amount = BigInt(whole + decimals.padEnd(scale, '0')).toString();
  if (amount === '0') return { fault: 'The amount must be more than zero.' };
  return amount.length > 38 ? { fault: 'That is more than 38 digits.' } : { amount };
}

/** What may be written, for the line below the field. */
export function hintOf(scale: number): string {
  if (scale === 0) return 'Whole units, such as 12.';
  return `Up to ${scale} decimal${scale === 1 ? '' : 's'}, such as ${scale === 1 ? '12.3' : '12.34'}.`;
}

/** For drawing only: how high each value stands between the least and the greatest, from 0 to 1. */
export function heights(minorUnits: readonly string[]): number[] {
  const values = minorUnits.map(BigInt);
  const least = values.reduce((one, other) => (one < other ? one : other), values[0] ?? 0n);
  const span = values.reduce((most, value) => (value - least > most ? value - least : most), 0n);
  return values.map((value) => (span === 0n ? 0.5 : Number(((value - least) * 10_000n) / span) / 10_000));
}

/** For drawing only: a figure of minor units as a number of whole units, which is close and not exact. */
export function approximately(minorUnits: string, scale: number): number {
  return Number(minorUnits) / 10 ** scale;
}
