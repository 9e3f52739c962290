/**
 * Rates are typed as they are spoken of, whole units for a whole unit, and travel as minor units for a minor unit: the same
 * digits with the point elsewhere. Like amounts they are only ever strings and bigints, and are never rounded.
 */

const MOST_DECIMALS = 18;
const MOST_DIGITS = 38;

export type ParsedRate = { readonly rate: string } | { readonly fault: string };

/** "0.25" of an asset with 0 decimals for one with 2 is "0.0025". */
export function parseRate(text: string, fromScale: number, toScale: number): ParsedRate {
  const written = text.replaceAll(/\s/g, '');
  if (written === '') return { fault: 'Enter a rate, such as 0.25.' };
  const [found, whole = '', decimals = ''] = /^(\d+)(?:\.(\d+))?$/.exec(written) ?? [];
  if (found === undefined) return { fault: 'That is not a rate: write it as 0.25.' };
  const shifted = shift(whole, decimals, toScale - fromScale);
  if (shifted.digits === '0') return { fault: 'The rate must be more than zero.' };
  if (shifted.decimals.length > MOST_DECIMALS) return { fault: 'That rate has too many decimals.' };
  if (shifted.digits.length > MOST_DIGITS) return { fault: 'That is more than 38 digits.' };
  return { rate: shifted.decimals === '' ? shifted.whole : `${shifted.whole}.${shifted.decimals}` };
}

/** The point goes so many places to the right; `digits` are all of them, as they count. */
function shift(whole: string, decimals: string, places: number) {
  const all = (whole + decimals).padEnd(whole.length + places, '0');
  const padded = all.padStart(all.length + Math.max(0, 1 - whole.length - places), '0');
  const point = Math.max(1, whole.length + places);
  const left = BigInt(padded.slice(0, point)).toString();
  const right = padded.slice(point).replace(/0+$/, '');
  return { whole: left, decimals: right, digits: right === '' ? left : left + right };
}

/** What an amount comes to, in minor units. Here the service rounds down, and so is shown what it will be. */
export function worthAt(amount: string, rate: string): bigint {
  const [whole = '', decimals = ''] = rate.split('.');
  return (BigInt(amount) * BigInt(whole + decimals)) / 10n ** BigInt(decimals.length);
}
