import type { JSX } from 'preact';
import type { Asset, HistoryLine } from '../../api/types.ts';
import type { Names } from '../../api/names.ts';
import { formatAmount } from '../../lib/amount.ts';
import { withTransaction, type Route } from '../../lib/route.ts';
import { formatMinute, formatTime } from '../../lib/time.ts';
import { typeName } from '../../lib/transaction-types.ts';

export const HISTORY_ROW_PX = 52;

/** Where and by what names: asked for once for all rows, as a scroll draws many. */
export type HistoryPlace = { readonly asset: Asset; readonly route: Route; readonly names: Names };

type HistoryRowProps = { readonly line: HistoryLine; readonly index: number; readonly place: HistoryPlace };

export function HistoryRow({ line, index, place }: HistoryRowProps): JSX.Element {
  const { asset, route, names } = place;
  const incoming = line.direction === 'CREDIT';
  return (
    <tr
      aria-rowindex={index + 2}
      class="group relative border-t border-line hover:bg-tint"
      style={{ height: `${HISTORY_ROW_PX}px` }}
    >
      <td class="truncate py-1 pr-1 sm:pr-3">
        <a
          href={withTransaction(route, line.transactionId)}
          class="font-medium underline-offset-2 group-hover:underline after:absolute after:inset-0"
        >
          {typeName(line.type)}
        </a>
        <Counterparty line={line} names={names} />
        <p class="truncate text-xs text-muted">
          <time dateTime={line.recordedAt} title={formatTime(line.recordedAt)}>
            {formatMinute(line.recordedAt)}
          </time>
          {line.reference !== null && ` · ${line.reference}`}
        </p>
      </td>
      <td class={`text-right wrap-anywhere ${sizeOf(line.amount)} ${incoming ? 'text-good' : ''}`}>
        {incoming ? '+' : '−'}
        {formatAmount(line.amount, asset.scale)}
      </td>
      <td class={`pl-2 text-right font-medium wrap-anywhere ${sizeOf(line.balanceAfter)}`}>
        {formatAmount(line.balanceAfter, asset.scale)}
      </td>
    </tr>
  );
}

/** A row has one height and its columns one width: an amount with more digits is written smaller, and never cut. */
function sizeOf(amount: string): string {
  if (amount.length <= 10) return '';
  return amount.length <= 16 ? 'text-xs' : 'text-[0.625rem]/3 sm:text-xs/4';
}

/** Only other users: the treasury says nothing that the type does not. */
function Counterparty(props: { readonly line: HistoryLine; readonly names: Names }): JSX.Element | null {
  const { line, names } = props;
  const { counterparty, direction } = line;
  if (counterparty === null) return null;
  if ('system' in counterparty) {
    return counterparty.system === 'treasury' ? null : <span class="text-muted"> {counterparty.system}</span>;
  }
  return (
    <span class="text-muted">
      {direction === 'CREDIT' ? ' from ' : ' to '}
      {names.of(counterparty.userId)}
    </span>
  );
}
