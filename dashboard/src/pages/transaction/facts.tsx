import type { ComponentChildren, JSX } from 'preact';
import { useNames } from '../../api/names.ts';
import type { Asset, Transaction } from '../../api/types.ts';
import { grouped } from '../../lib/amount.ts';
import { formatTime } from '../../lib/time.ts';
import { money } from '../wallets/money-words.tsx';

type Fact = readonly [label: string, value: ComponentChildren];

export function Facts(props: {
  readonly transaction: Transaction;
  readonly assets: readonly Asset[];
}): JSX.Element {
  const { transaction, assets } = props;
  const names = useNames();
  const { amount, asset, userId, toUserId, toAmount, toAsset, reference, metadata, expiresAt } = transaction;
  const facts: (Fact | null)[] = [
    amount === null ? null : ['Amount', money(amount, asset, assets)],
    toAmount === undefined ? null : ['For', money(toAmount, toAsset ?? null, assets)],
    userId === null ? null : [toUserId === undefined ? 'User' : 'From', names.of(userId)],
    toUserId === undefined ? null : ['To', names.of(toUserId)],
    ['Recorded', formatTime(transaction.recordedAt)],
    reference === null ? null : ['Reference', reference],
    ...Object.entries(metadata ?? {}).map(([name, value]): Fact => [name, value]),
    expiresAt == null ? null : ['Expires', formatTime(expiresAt)],
    transaction.reason == null ? null : ['Reason', transaction.reason],
    ['Position', grouped(transaction.position)],
    ['Transaction', <code class="font-mono text-xs">{transaction.transactionId}</code>],
  ];
  return (
    <dl class="grid gap-x-6 gap-y-1.5 text-sm sm:grid-cols-[auto_1fr]">
      {facts
        .filter((fact) => fact !== null)
        .map(([label, value]) => (
          <div key={label} class="contents">
            <dt class="text-muted">{label}</dt>
            <dd class="mb-1 wrap-anywhere sm:mb-0">{value}</dd>
          </div>
        ))}
    </dl>
  );
}
