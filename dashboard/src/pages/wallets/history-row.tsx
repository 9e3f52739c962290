import type { JSX } from 'preact';
import type { Asset, HistoryLine } from '../../api/types.ts';
import type { Names } from '../../api/names.ts';
import { formatAmount } from '../../lib/amount.ts';
import { withTransaction, type Route } from '../../lib/route.ts';
import { formatMinute, formatTime } from '../../lib/time.ts';
import { typeName } from './money-words.tsx';

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
      class="border-t border-line hover:bg-tint"
      style={{ height: `${HISTORY_ROW_PX}px` }}
    >
      <td class="truncate py-1 pr-1 sm:pr-3">
        <a
          href={withTransaction(route, line.transactionId)}
          class="font-medium underline-offset-2 hover:underline"
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
      <td class={`truncate text-right ${incoming ? 'text-good' : ''}`}>
        {incoming ? '+' : '−'}
        {formatAmount(line.amount, asset.scale)}
      </td>
      <td class="truncate pl-2 text-right font-medium">{formatAmount(line.balanceAfter, asset.scale)}</td>
    </tr>
  );
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
