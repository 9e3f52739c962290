import type { JSX } from 'preact';
import type { Asset, LedgerEvent } from '../../api/types.ts';
import { grouped } from '../../lib/amount.ts';
import { summaryOf, transactionOf, userOf } from '../../lib/event-words.ts';
import { hrefOf } from '../../lib/route.ts';
import { formatClock, formatTime } from '../../lib/time.ts';

export function EventRow(props: {
  readonly event: LedgerEvent;
  readonly assets: readonly Asset[];
  readonly names: Readonly<Record<string, string>>;
}): JSX.Element {
  const { event, assets, names } = props;
  const who = names[userOf(event) ?? ''];
  const { position, type, recordedAt } = event;
  const transaction = transactionOf(event);
  const declined = type === 'transaction.rejected';
  return (
    <li class="grid grid-cols-[minmax(0,1fr)_auto] items-baseline gap-x-4 border-t border-line py-1.5 text-sm first:border-t-0 sm:grid-cols-[auto_11rem_minmax(0,1fr)_auto]">
      <span class="text-muted max-sm:col-start-2 max-sm:row-start-2 max-sm:text-right sm:min-w-14">
        {grouped(position)}
      </span>
      <span
        class={`truncate font-medium max-sm:col-start-1 max-sm:row-start-1 ${declined ? 'text-bad' : ''}`}
      >
        {transaction === null ? (
          type
        ) : (
          <a
            class="underline-offset-2 hover:underline"
            href={hrefOf({ page: 'activity', params: { transaction } })}
          >
            {type}
          </a>
        )}
      </span>
      <span class="truncate text-muted max-sm:wrap-anywhere max-sm:whitespace-normal max-sm:col-start-1 max-sm:row-start-2">
        {[summaryOf(event, assets), who].filter(Boolean).join(' · ')}
      </span>
      <time
        class="text-right text-muted max-sm:col-start-2 max-sm:row-start-1"
        dateTime={recordedAt}
        title={formatTime(recordedAt)}
      >
        {formatClock(recordedAt)}
      </time>
    </li>
  );
}
