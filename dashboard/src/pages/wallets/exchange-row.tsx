import type { JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import type { Asset, User } from '../../api/types.ts';
import { SelectField, TextField } from '../../components/field.tsx';
import { formatAmount, hintOf, parseAmount } from '../../lib/amount.ts';
import { parseRate, worthAt } from '../../lib/rate.ts';
import { ActionRow } from './action-row.tsx';
import type { SendMoney } from './money-panel.tsx';

type ExchangeRowProps = {
  readonly user: User;
  readonly asset: Asset;
  readonly assets: readonly Asset[];
  readonly amount: string;
  readonly sending: boolean;
  readonly send: SendMoney;
};

const TERMS = [
  ['amount', 'By amount'],
  ['rate', 'By rate'],
] as const;

/** For how much of another asset, or at which rate. All is typed as it is shown; only the service ever rounds. */
export function ExchangeRow({
  user,
  asset,
  assets,
  amount,
  sending,
  send,
}: ExchangeRowProps): JSX.Element | null {
  const others = assets.filter(({ slug }) => slug !== asset.slug);
  const [chosen, setChosen] = useState('');
  const [terms, setTerms] = useState('amount');
  const [typed, setTyped] = useState('');
  const [fault, setFault] = useState<string | null>(null);
  const field = useRef<HTMLInputElement>(null);
  const into = others.find(({ slug }) => slug === chosen) ?? others[0];
  if (into === undefined) return null;
  const atRate = terms === 'rate';

  function exchange(into: Asset): void {
    const asked = termsOf(typed, atRate, asset, into);
    if ('fault' in asked) {
      setFault(asked.fault);
      field.current?.focus();
      return;
    }
    send('/transactions/exchange', { userId: user.id, fromAsset: asset.slug, toAsset: into.slug, ...asked });
  }

  return (
    <ActionRow
      name="Exchange"
      sending={sending}
      onAct={() => exchange(into)}
      above={
        <>
          <SelectField
            label="Exchange into"
            value={into.slug}
            options={others.map((one) => [one.slug, one.name])}
            onChange={setChosen}
          />
          <SelectField
            label="Terms"
            value={terms}
            options={TERMS}
            onChange={(now) => {
              setTerms(now);
              setTyped('');
              setFault(null);
            }}
          />
        </>
      }
    >
      <TextField
        label={atRate ? 'Rate' : 'For'}
        inputMode="decimal"
        maxLength={60}
        value={typed}
        inputRef={field}
        hint={atRate ? hintOfRate(typed, amount, asset, into) : hintOf(into.scale)}
        fault={fault}
        onInput={(text) => {
          setTyped(text);
          setFault(null);
        }}
      />
    </ActionRow>
  );
}

/** The part of the body that says for how much. */
function termsOf(
  typed: string,
  atRate: boolean,
  from: Asset,
  into: Asset,
): { readonly rate: string } | { readonly toAmount: string } | { readonly fault: string } {
  if (atRate) return parseRate(typed, from.scale, into.scale);
  const parsed = parseAmount(typed, into.scale);
  return 'fault' in parsed ? parsed : { toAmount: parsed.amount };
}

/** What it will come to, as soon as that can be said. */
function hintOfRate(typed: string, amount: string, from: Asset, into: Asset): string {
  const [rate, parsed] = [parseRate(typed, from.scale, into.scale), parseAmount(amount, from.scale)];
  if ('fault' in rate || 'fault' in parsed) return `${into.name} for one of ${from.name}, such as 0.25.`;
  return `Comes to ${formatAmount(worthAt(parsed.amount, rate.rate), into.scale)} ${into.name}, rounded down.`;
}
