/** What there is to own: how much of each is in circulation, that the books sum to zero, and whether it may move. */
import type { JSX } from 'preact';
import { useLive } from '../../api/live.ts';
import type { Asset, Page, TrialBalance } from '../../api/types.ts';
import { ProblemNote } from '../../components/outcome.tsx';
import { Empty } from '../../components/panel.tsx';
import type { Route } from '../../lib/route.ts';
import { AssetPanel } from './asset-panel.tsx';
import { CreateAsset } from './create-asset.tsx';
import { TrialBalancePanel } from './trial-balance-panel.tsx';

export function AssetsPage({ route }: { readonly route: Route }): JSX.Element {
  const [slug] = route.parts;
  const assets = useLive<Page<Asset>>('/assets?limit=500', { sees: true });
  const balance = useLive<TrialBalance>('/audit/trial-balance', { sees: true });
  const all = assets.data?.data ?? [];
  const chosen = all.find((one) => one.slug === slug) ?? all[0] ?? null;
  if (assets.data === null) {
    return assets.problem === null ? <Empty>Loading…</Empty> : <ProblemNote problem={assets.problem} />;
  }
  return (
    <div class="grid items-start gap-5 lg:grid-cols-[minmax(0,1fr)_18rem]">
      <div class="grid min-w-0 gap-5">
        <TrialBalancePanel
          assets={all}
          balance={balance.data}
          problem={balance.problem}
          chosen={chosen?.slug ?? null}
        />
        {chosen !== null && (
          <AssetPanel
            key={chosen.slug}
            asset={chosen}
            line={balance.data?.assets.find((one) => one.asset === chosen.slug) ?? null}
          />
        )}
      </div>
      <CreateAsset />
    </div>
  );
}
