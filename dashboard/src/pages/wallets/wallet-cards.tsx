import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useAttempt } from '../../api/attempt.ts';
import { useLive, type Live } from '../../api/live.ts';
import type { Asset, Balance, DailyBalance, Page, Wallet } from '../../api/types.ts';
import { Badge } from '../../components/badge.tsx';
import { Button } from '../../components/button.tsx';
import { Outcome, ProblemNote } from '../../components/outcome.tsx';
import { Empty } from '../../components/panel.tsx';
import { Sparkline } from '../../components/sparkline.tsx';
import { formatAmount } from '../../lib/amount.ts';
import { hrefOf } from '../../lib/route.ts';
import { formatMinute } from '../../lib/time.ts';

const SHOWN_AT_FIRST = 9;
const MOST_LARGE_DIGITS = 14;
const DETAILS_EVERY_MS = 20_000;
const DAYS_EVERY_MS = 60_000;

type CardsProps = {
  readonly userId: string;
  readonly wallets: Live<Page<Wallet>>;
  readonly assets: readonly Asset[];
  readonly chosen: string | null;
};

/** A card for each wallet. Choosing one chooses the asset to work with; assets without a wallet are chosen in the form. */
export function WalletCards(props: CardsProps): JSX.Element {
  const { userId, assets, chosen } = props;
  const [all, setAll] = useState(false);
  const { data, problem } = props.wallets;
  if (data === null) return problem === null ? <Empty>Loading…</Empty> : <ProblemNote problem={problem} />;
  const wallets = data.data;
  if (assets.length === 0) return <Empty>There are no assets yet. Create one on the Assets page.</Empty>;
  if (wallets.length === 0)
    return <Empty>No wallet yet: the first top-up, bonus or transfer opens one.</Empty>;
  const shown = wallets.filter(({ asset }, index) => all || index < SHOWN_AT_FIRST || asset.slug === chosen);
  return (
    <div class="grid gap-3">
      <ul class="grid grid-cols-[minmax(0,1fr)] gap-3 sm:grid-cols-2 xl:grid-cols-3">
        {shown.map((wallet) => (
          <WalletCard key={wallet.id} userId={userId} wallet={wallet} chosen={wallet.asset.slug === chosen} />
        ))}
      </ul>
      {shown.length < wallets.length && (
        <Button look="quiet" onClick={() => setAll(true)}>
          {`Show all ${wallets.length} wallets`}
        </Button>
      )}
    </div>
  );
}

type CardProps = { readonly userId: string; readonly wallet: Wallet; readonly chosen: boolean };

function WalletCard({ userId, wallet, chosen }: CardProps): JSX.Element {
  const { asset, balance, held, available, status } = wallet;
  const href = hrefOf({ page: 'wallets', parts: [userId, asset.slug] });
  const attempt = useAttempt<Wallet>();
  const frozen = status === 'FROZEN';
  return (
    <li
      class={`relative grid grid-cols-[minmax(0,1fr)] content-start gap-1 rounded-xl border bg-surface p-4 transition-colors hover:border-edge ${chosen ? 'border-accent! ring-1 ring-accent' : 'border-line'}`}
    >
      <div class="flex items-center justify-between gap-2">
        <a
          href={href}
          aria-current={chosen ? 'true' : undefined}
          title={asset.name}
          class="min-w-0 truncate text-sm font-medium text-muted after:absolute after:inset-0 after:rounded-xl"
        >
          {asset.name}
        </a>
        <div class="flex shrink-0 items-center gap-1">
          {frozen && <Badge look="warn">Frozen</Badge>}
          {!frozen && asset.status === 'FROZEN' && <Badge look="warn">Asset frozen</Badge>}
          <Button
            look="quiet"
            size="small"
            class="relative -my-1 -mr-2"
            disabled={attempt.state.kind === 'sending'}
            onClick={() =>
              void attempt.send(`/wallets/${wallet.id}/status`, { status: frozen ? 'ACTIVE' : 'FROZEN' })
            }
          >
            {frozen ? 'Unfreeze' : 'Freeze'}
            <span class="sr-only"> {asset.name}</span>
          </Button>
        </div>
      </div>
      <p class={`font-semibold tracking-tight wrap-anywhere ${sizeOf(balance)}`}>
        {formatAmount(balance, asset.scale)}
      </p>
      <p class="text-sm wrap-anywhere text-muted">
        {formatAmount(available, asset.scale)} available
        {held !== '0' && ` · ${formatAmount(held, asset.scale)} held`}
      </p>
      <Expiring userId={userId} wallet={wallet} />
      <Days wallet={wallet} />
      <div class="relative">
        <Outcome
          state={attempt.state}
          done={(answer) => (
            <p>
              {answer.status === 'FROZEN'
                ? `Nobody can move ${asset.name} of this wallet now.`
                : `${asset.name} of this wallet can be moved again.`}
            </p>
          )}
        />
      </div>
    </li>
  );
}

/** What fills a line of a card is written smaller: nothing of it is left out. */
function sizeOf(balance: string): string {
  return balance.length > MOST_LARGE_DIGITS ? 'text-base' : 'text-2xl';
}

/** Bonuses with an end: the next one to go. */
function Expiring({ userId, wallet }: Omit<CardProps, 'chosen'>): JSX.Element | null {
  const path = `/wallets/${userId}/${encodeURIComponent(wallet.asset.slug)}/balance`;
  const { data } = useLive<Balance>(path, { sees: true, everyMs: DETAILS_EVERY_MS });
  const [next, ...later] = data?.expiring ?? [];
  if (next === undefined) return null;
  return (
    <p class="text-sm wrap-anywhere text-warn">
      {formatAmount(next.amount, wallet.asset.scale)} expire {formatMinute(next.at)}
      {later.length > 0 && `, more later`}
    </p>
  );
}

function Days({ wallet }: { readonly wallet: Wallet }): JSX.Element | null {
  const { data } = useLive<Page<DailyBalance>>(`/wallets/${wallet.id}/daily-balances?days=30`, {
    sees: true,
    everyMs: DAYS_EVERY_MS,
  });
  if (data === null) return null;
  return (
    <div class="mt-2">
      <Sparkline
        values={data.data.map(({ balance }) => balance)}
        label={`Balance in ${wallet.asset.name} over the last 30 days`}
      />
    </div>
  );
}
