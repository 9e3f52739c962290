import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useAttempt } from '../../api/attempt.ts';
import type { Asset, PostedTransaction, Transaction } from '../../api/types.ts';
import { Button } from '../../components/button.tsx';
import { TextField } from '../../components/field.tsx';
import { Outcome } from '../../components/outcome.tsx';
import { parseAmount } from '../../lib/amount.ts';
import { useRoute, withTransaction } from '../../lib/route.ts';
import { formatTime } from '../../lib/time.ts';
import { money } from '../wallets/money-words.tsx';

/** Types that cannot be taken back. */
const FINAL = new Set(['reversal', 'expiry']);

type Props = { readonly transaction: Transaction; readonly assets: readonly Asset[] };

/** What was taken back of a transaction, and taking back what is left. */
export function ReversalSection({ transaction, assets }: Props): JSX.Element | null {
  const route = useRoute();
  const { type, amount, asset, reversedAmount, reversals = [], reverses } = transaction;
  if (reverses !== undefined) {
    return (
      <p class="text-sm">
        Takes back{' '}
        <a class="text-accent underline underline-offset-2" href={withTransaction(route, reverses)}>
          this transaction
        </a>
        .
      </p>
    );
  }
  if (FINAL.has(type)) return null;
  const left = amount === null ? null : BigInt(amount) - BigInt(reversedAmount ?? '0');
  return (
    <section aria-label="Reversal" class="grid gap-2">
      <h3 class="text-sm font-semibold">Reversal</h3>
      {reversals.map((reversal) => (
        <p key={reversal.transactionId} class="text-sm">
          <a
            class="text-accent underline underline-offset-2"
            href={withTransaction(route, reversal.transactionId)}
          >
            {reversal.amount === null ? 'All of it' : money(reversal.amount, asset, assets)}
          </a>{' '}
          taken back {formatTime(reversal.recordedAt)}
        </p>
      ))}
      {left === 0n || (left === null && reversals.length > 0) ? (
        <p class="text-sm text-muted">Nothing is left to take back.</p>
      ) : (
        <ReverseForm transaction={transaction} assets={assets} left={left} />
      )}
    </section>
  );
}

function ReverseForm({ transaction, assets, left }: Props & { readonly left: bigint | null }): JSX.Element {
  const [part, setPart] = useState('');
  const [reason, setReason] = useState('');
  const [fault, setFault] = useState<string | null>(null);
  const attempt = useAttempt<PostedTransaction>(() => setPart(''));
  const { transactionId, asset } = transaction;
  const scale = assets.find(({ slug }) => slug === asset)?.scale ?? 0;

  function reverse(): void {
    const parsed = part.trim() === '' ? null : parseAmount(part, scale);
    if (parsed !== null && 'fault' in parsed) return setFault(parsed.fault);
    setFault(null);
    const why = reason.trim() === '' ? {} : { reason: reason.trim() };
    void attempt.send(`/transactions/${transactionId}/reverse`, { ...parsed, ...why });
  }

  return (
    <form
      class="grid gap-3"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        reverse();
      }}
    >
      <div class="flex flex-wrap items-start gap-2">
        {left !== null && (
          <TextField
            label="Part to reverse"
            placeholder="All that is left"
            inputMode="decimal"
            maxLength={60}
            class="min-w-32 flex-1"
            value={part}
            onInput={setPart}
            fault={fault}
            hint={`${money(left.toString(), asset, assets)} left`}
          />
        )}
        <TextField
          label="Reason (optional)"
          class="min-w-40 flex-1"
          value={reason}
          onInput={setReason}
          maxLength={500}
        />
        <Button look="danger" class="mt-6" disabled={attempt.state.kind === 'sending'}>
          Reverse
        </Button>
      </div>
      <Outcome
        state={attempt.state}
        done={({ amount, asset: of }) => (
          <p>Reversed{amount === null ? '' : ` ${money(amount, of, assets)}`}.</p>
        )}
      />
    </form>
  );
}
