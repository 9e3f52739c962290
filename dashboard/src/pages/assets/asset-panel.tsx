import type { JSX } from 'preact';
import { useAttempt } from '../../api/attempt.ts';
import type { Asset, TrialBalance } from '../../api/types.ts';
import { Badge } from '../../components/badge.tsx';
import { Button } from '../../components/button.tsx';
import { Outcome } from '../../components/outcome.tsx';
import { Figure, Panel } from '../../components/panel.tsx';
import { formatAmount, grouped } from '../../lib/amount.ts';
import { CirculationChart } from './circulation-chart.tsx';

type AssetPanelProps = { readonly asset: Asset; readonly line: TrialBalance['assets'][number] | null };

export function AssetPanel({ asset, line }: AssetPanelProps): JSX.Element {
  const { slug, name, scale, status, supplyCap } = asset;
  const attempt = useAttempt<Asset>();
  const frozen = status === 'FROZEN';
  return (
    <Panel title={name} aside={<Badge look={frozen ? 'warn' : 'good'}>{frozen ? 'Frozen' : 'Active'}</Badge>}>
      <div class="grid grid-cols-[minmax(0,1fr)] gap-5">
        <dl class="flex flex-wrap gap-x-10 gap-y-4">
          <Figure
            label="In circulation"
            value={line === null ? '…' : formatAmount(line.circulation, scale)}
          />
          <Figure label="Supply cap" value={supplyCap === null ? 'None' : formatAmount(supplyCap, scale)} />
          <Figure label="Wallets" value={line === null ? '…' : grouped(line.wallets)} />
          <Figure label="Decimals" value={scale.toString()} />
          <Figure
            label="Slug"
            value={<span class="font-mono text-base font-normal tracking-normal">{slug}</span>}
          />
        </dl>
        {supplyCap !== null && line !== null && <CapBar used={line.circulation} cap={supplyCap} />}
        <CirculationChart asset={asset} />
        <div class="grid justify-items-start gap-3">
          <Button
            look={frozen ? 'plain' : 'danger'}
            disabled={attempt.state.kind === 'sending'}
            onClick={() =>
              void attempt.send(`/assets/${encodeURIComponent(slug)}/status`, {
                status: frozen ? 'ACTIVE' : 'FROZEN',
              })
            }
          >
            {frozen ? 'Unfreeze' : 'Freeze'}
          </Button>
          <Outcome
            state={attempt.state}
            done={(answer) => (
              <p>
                {answer.status === 'FROZEN' ? `Nobody can move ${name} now.` : `${name} can be moved again.`}
              </p>
            )}
          />
        </div>
      </div>
    </Panel>
  );
}

/** How much of what may ever be in circulation is. In ten-thousandths, for a width. */
function CapBar({ used, cap }: { readonly used: string; readonly cap: string }): JSX.Element {
  const parts = cap === '0' ? 10_000n : (BigInt(used) * 10_000n) / BigInt(cap);
  const percent = Number(parts < 0n ? 0n : parts > 10_000n ? 10_000n : parts) / 100;
  return (
    <div class="grid gap-1">
      <div
        role="meter"
        aria-label="Part of the supply cap in circulation"
        aria-valuenow={percent}
        aria-valuemin={0}
        aria-valuemax={100}
        class="h-2 overflow-hidden rounded-full bg-tint"
      >
        <div class="h-full rounded-full bg-accent" style={{ width: `${percent}%` }} />
      </div>
      <p class="text-sm text-muted">{percent.toFixed(2)} % of the supply cap</p>
    </div>
  );
}
