import type { JSX } from 'preact';
import { useNames } from '../../api/names.ts';
import { useLive } from '../../api/live.ts';
import type { Asset, Transaction, Wallet } from '../../api/types.ts';
import { formatAmount } from '../../lib/amount.ts';

const MOST_SHOWN = 200;
const OWNERS_EVERY_MS = 300_000;

type Entry = Transaction['entries'][number];

/** Both sides of the books. Of each asset the changes sum to zero. */
export function Entries(props: {
  readonly transaction: Transaction;
  readonly assets: readonly Asset[];
}): JSX.Element {
  const { transaction, assets } = props;
  return (
    <section aria-label="Entries">
      <h3 class="mb-2 text-sm font-semibold">Entries</h3>
      <div class="max-h-80 overflow-auto" tabIndex={0} role="region" aria-label="Entries of the transaction">
        <table class="w-full text-sm">
          <thead class="text-left text-xs text-muted">
            <tr>
              <th scope="col" class="pb-1 font-medium">
                Wallet
              </th>
              <th scope="col" class="pb-1 text-right font-medium">
                Change
              </th>
              <th scope="col" class="pb-1 text-right font-medium">
                Balance after
              </th>
            </tr>
          </thead>
          <tbody>
            {transaction.entries.slice(0, MOST_SHOWN).map((entry, index) => (
              <EntryRow
                key={`${entry.walletId} ${index}`}
                entry={entry}
                slug={transaction.asset}
                assets={assets}
              />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function EntryRow(props: {
  readonly entry: Entry;
  readonly slug: string | null;
  readonly assets: readonly Asset[];
}): JSX.Element {
  const { entry, slug, assets } = props;
  const names = useNames();
  const { data: wallet } = useLive<Wallet>(`/wallets/${entry.walletId}`, {
    sees: true,
    everyMs: OWNERS_EVERY_MS,
  });
  const asset = assets.find((one) => one.slug === (entry.asset ?? slug)) ?? wallet?.asset;
  const scale = asset?.scale ?? 0;
  const owner = wallet?.userId == null ? (wallet?.system ?? '…') : names.of(wallet.userId);
  return (
    <tr class="border-t border-line">
      <td class="py-1.5 pr-3 wrap-anywhere">
        {owner}
        <span class="text-muted"> · {asset?.name}</span>
      </td>
      <td class={`py-1.5 text-right whitespace-nowrap ${entry.direction === 'CREDIT' ? 'text-good' : ''}`}>
        {entry.direction === 'CREDIT' ? '+' : '−'}
        {formatAmount(entry.amount, scale)}
      </td>
      <td class="py-1.5 pl-3 text-right whitespace-nowrap">{formatAmount(entry.balanceAfter, scale)}</td>
    </tr>
  );
}
