/** An erased user had nothing when it happened and got nothing since: nobody could claim it. */
import type { FindingList } from './finding.ts';
import type { Heads, WalletHead } from './heads.ts';

/** Of the log as far as the heads are. */
export function checkErasedWallets({ users, wallets }: Heads, findings: FindingList): void {
  const erased = new Map([...users].filter(([, { erasedPosition }]) => erasedPosition !== null));
  if (erased.size === 0) return;
  for (const wallet of wallets.values()) {
    const erasedAt = wallet.isSystem ? null : erased.get(wallet.owner)?.erasedPosition;
    if (typeof erasedAt !== 'bigint') continue;
    const fault = faultOf(wallet, erasedAt);
    if (fault === null) continue;
    const { walletId, movedPosition } = wallet;
    findings.add({ check: 'erased', position: movedPosition.toString(), walletId, ...fault });
  }
}

/** One that did not move since the erasure stood then as it stands now. */
function faultOf(wallet: WalletHead, erasedAt: bigint): { expected: string; found: string } | null {
  const { balance, held, movedPosition } = wallet;
  const left = `balance ${balance}, held ${held}`;
  if (movedPosition > erasedAt)
    return { expected: `a wallet at rest since its owner was erased at position ${erasedAt}`, found: left };
  if (balance === 0n && held === 0n) return null;
  return { expected: `an empty wallet when its owner was erased at position ${erasedAt}`, found: left };
}
