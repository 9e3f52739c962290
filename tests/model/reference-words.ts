/** How the reference names wallets and system accounts, and says no. */
import type { Refused } from './reference-terms.ts';

export function walletName(owner: string, asset: string): string {
  return `${owner}/${asset}`;
}

export function isSystem(owner: string): boolean {
  return owner.startsWith('@');
}

export function refused(status: Refused['status'], code: string, figures: Refused['figures'] = {}): Refused {
  return { kind: 'refused', status, code, figures, transaction: null };
}
