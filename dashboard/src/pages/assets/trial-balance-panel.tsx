import type { JSX } from 'preact';
import type { Asset, TrialBalance } from '../../api/types.ts';
import type { Problem } from '../../api/client.ts';
import { Badge } from '../../components/badge.tsx';
import { ProblemNote } from '../../components/outcome.tsx';
import { Empty, Panel } from '../../components/panel.tsx';
import { formatAmount, grouped } from '../../lib/amount.ts';
import { hrefOf } from '../../lib/route.ts';

/** With few wallets and little room: how many there are stands below the name then. */
const COLUMNS = [
  ['In circulation', ''],
  ['Wallets', 'max-sm:hidden'],
  ['Sum', 'pr-2'],
] as const;

type TrialBalanceProps = {
  readonly assets: readonly Asset[];
  readonly balance: TrialBalance | null;
  readonly problem: Problem | null;
  readonly chosen: string | null;
};

/** The sum over all wallets of each asset, the treasury's included. Anything but zero would be wrong books. */
export function TrialBalancePanel({ assets, balance, problem, chosen }: TrialBalanceProps): JSX.Element {
  const wrong = balance?.assets.filter(({ sum }) => sum !== '0') ?? [];
  return (
    <Panel title="Trial balance" aside={balance === null ? null : <Verdict wrong={wrong.length} />}>
      {balance === null && problem !== null && <ProblemNote problem={problem} />}
      {assets.length === 0 ? (
        <Empty>There are no assets yet. Create the first one.</Empty>
      ) : (
        <div class="max-h-96 overflow-auto" tabIndex={0} role="region" aria-label="Trial balance">
          <table class="w-full text-sm">
            <thead class="sticky top-0 bg-surface text-left text-xs text-muted">
              <tr>
                <th scope="col" class="pb-2 pl-2 font-medium">
                  Asset
                </th>
                {COLUMNS.map(([title, added]) => (
                  <th key={title} scope="col" class={`pb-2 pl-3 text-right font-medium ${added}`}>
                    {title}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {assets.map((asset) => (
                <AssetRow
                  key={asset.slug}
                  asset={asset}
                  line={balance?.assets.find((one) => one.asset === asset.slug)}
                  chosen={asset.slug === chosen}
                />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {balance !== null && (
        <p class="mt-3 text-sm text-muted">
          At event {grouped(balance.position)}, over all wallets and the treasury.
        </p>
      )}
    </Panel>
  );
}

function Verdict({ wrong }: { readonly wrong: number }): JSX.Element {
  return wrong === 0 ? (
    <Badge look="good">The books sum to zero</Badge>
  ) : (
    <Badge look="bad">{wrong} out of balance</Badge>
  );
}

type AssetRowProps = {
  readonly asset: Asset;
  readonly line: TrialBalance['assets'][number] | undefined;
  readonly chosen: boolean;
};

function AssetRow({ asset, line, chosen }: AssetRowProps): JSX.Element {
  const { slug, name, scale, status } = asset;
  return (
    <tr class={`border-t border-line ${chosen ? 'bg-tint' : ''}`}>
      <td class="max-w-0 min-w-28 py-2 pl-2 wrap-anywhere sm:w-1/2">
        <a
          href={hrefOf({ page: 'assets', parts: [slug] })}
          aria-current={chosen ? 'true' : undefined}
          class="font-medium underline-offset-2 hover:underline"
        >
          {name}
        </a>{' '}
        {status === 'FROZEN' && <Badge look="warn">Frozen</Badge>}
        {line !== undefined && (
          <p class="text-xs text-muted sm:hidden">
            {grouped(line.wallets)} {line.wallets === '1' ? 'wallet' : 'wallets'}
          </p>
        )}
      </td>
      <td class="py-2 pl-3 text-right wrap-anywhere">
        {line === undefined ? '…' : formatAmount(line.circulation, scale)}
      </td>
      <td class="py-2 pl-3 text-right max-sm:hidden">{line === undefined ? '…' : grouped(line.wallets)}</td>
      <td class={`py-2 pr-2 pl-3 text-right font-medium ${line?.sum === '0' ? 'text-good' : 'text-bad'}`}>
        {line === undefined ? '…' : formatAmount(line.sum, line.sum === '0' ? 0 : scale)}
      </td>
    </tr>
  );
}
