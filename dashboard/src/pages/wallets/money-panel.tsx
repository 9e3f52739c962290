/**
 * Moving a user's money. What is missing for an action is asked for when its button is pressed; with everything there the
 * button does it.
 */
import type { JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { useAttempt } from '../../api/attempt.ts';
import type { Asset, Hold, PostedTransaction, User } from '../../api/types.ts';
import { SelectField, TextField } from '../../components/field.tsx';
import { Outcome } from '../../components/outcome.tsx';
import { Panel } from '../../components/panel.tsx';
import { formatAmount, hintOf, parseAmount } from '../../lib/amount.ts';
import { hrefOf } from '../../lib/route.ts';
import { ExchangeRow } from './exchange-row.tsx';
import { explainFigures, Done } from './money-words.tsx';
import { OwnMoney } from './own-money.tsx';
import { TransferRow } from './transfer-row.tsx';

type MoneyPanelProps = {
  readonly user: User;
  readonly asset: Asset;
  readonly assets: readonly Asset[];
  readonly users: readonly User[];
  readonly available: string;
};

export type MoneyAnswer = PostedTransaction | Hold;

/** Sends with the amount and the asset of the form, where these are right; the rest of the body is the action's own. */
export type SendMoney = (path: string, more: Readonly<Record<string, unknown>>) => void;

const NOTHING = { amount: '', reference: '', bonusEnd: '', holdSeconds: '' };

export function MoneyPanel({ user, asset, assets, users, available }: MoneyPanelProps): JSX.Element {
  const [typed, setTyped] = useState(NOTHING);
  const [fault, setFault] = useState<string | null>(null);
  const field = useRef<HTMLInputElement>(null);
  const attempt = useAttempt<MoneyAnswer>(() => setTyped(NOTHING));
  const { amount, reference } = typed;
  const type = (some: Partial<typeof NOTHING>) => setTyped((now) => ({ ...now, ...some }));
  const sending = attempt.state.kind === 'sending';

  const send: SendMoney = (path, more) => {
    const parsed = parseAmount(amount, asset.scale);
    if ('fault' in parsed) {
      setFault(parsed.fault);
      field.current?.focus();
      return;
    }
    setFault(null);
    const named = reference.trim() === '' ? {} : { reference: reference.trim() };
    void attempt.send(path, { ...more, amount: parsed.amount, ...named });
  };
  const own = { userId: user.id, assetSlug: asset.slug };

  return (
    <Panel title="Move money">
      <form
        class="grid grid-cols-[minmax(0,1fr)] gap-4"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          send('/transactions/topup', own);
        }}
      >
        <div class="grid grid-cols-2 gap-2">
          <TextField
            label="Amount"
            value={amount}
            onInput={(text) => {
              type({ amount: text });
              setFault(null);
            }}
            inputMode="decimal"
            maxLength={60}
            inputRef={field}
            hint={hintOf(asset.scale)}
            fault={fault}
            large
          />
          <SelectField
            label="Asset"
            value={asset.slug}
            options={assets.map(({ slug, name }) => [slug, name])}
            onChange={(slug) => {
              location.hash = hrefOf({ page: 'wallets', parts: [user.id, slug] });
            }}
            hint={`${formatAmount(available, asset.scale)} available`}
          />
        </div>
        <TextField
          label="Reference (optional)"
          value={reference}
          onInput={(text) => type({ reference: text })}
          maxLength={255}
        />
        <OwnMoney
          {...{ own, sending, send }}
          ends={typed}
          onEnds={type}
          outcome={
            <Outcome
              state={attempt.state}
              done={(answer) => <Done answer={answer} assets={assets} email={user.email} />}
              explain={(problem) => explainFigures(problem, asset)}
            />
          }
        />
        <TransferRow user={user} asset={asset} users={users} sending={sending} send={send} />
        <ExchangeRow
          user={user}
          asset={asset}
          assets={assets}
          amount={amount}
          sending={sending}
          send={send}
        />
      </form>
    </Panel>
  );
}
