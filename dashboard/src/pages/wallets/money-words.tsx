/** What is said when money has moved, or has not. */
import type { JSX } from 'preact';
import type { Problem } from '../../api/client.ts';
import type { Asset, Hold, PostedTransaction } from '../../api/types.ts';
import { formatAmount } from '../../lib/amount.ts';
import { formatTime } from '../../lib/time.ts';
import { typeName } from '../../lib/transaction-types.ts';

/** "12.34 Gold coins". */
export function money(minorUnits: string, slug: string | null, assets: readonly Asset[]): string {
  const asset = assets.find((one) => one.slug === slug);
  return `${formatAmount(minorUnits, asset?.scale ?? 0)} ${asset?.name ?? slug ?? ''}`;
}

export function Done(props: {
  readonly answer: PostedTransaction | Hold;
  readonly assets: readonly Asset[];
  readonly email: string;
}): JSX.Element {
  const { answer, assets, email } = props;
  if (!('transactionId' in answer)) {
    return (
      <>
        <p class="font-semibold">Held {money(answer.amount, answer.asset, assets)}</p>
        <p class="text-muted">
          Capture or release it under Holds
          {answer.expiresAt !== null && `, until ${formatTime(answer.expiresAt)}`}.
        </p>
      </>
    );
  }
  const { type, amount, asset, balanceAfter, toAmount, toAsset, expiresAt } = answer;
  return (
    <>
      <p class="font-semibold">
        {typeName(type)} {money(amount ?? '0', asset, assets)}
        {toAmount !== undefined && ` for ${money(toAmount, toAsset ?? null, assets)}`}
      </p>
      {expiresAt != null && <p>What is left of it expires {formatTime(expiresAt)}.</p>}
      <p class="wrap-anywhere">
        {email} now has {money(balanceAfter ?? '0', asset, assets)}.
      </p>
    </>
  );
}

/** The service counts minor units: its figures once more, as they are written here. */
export function explainFigures(problem: Problem, asset: Asset): string | null {
  const { code, available, required } = problem;
  if (code !== 'insufficient_funds' || typeof available !== 'string' || typeof required !== 'string')
    return null;
  const [has, needs] = [available, required].map((figure) => formatAmount(figure, asset.scale));
  return `In ${asset.name}: ${has} available, ${needs} required.`;
}
