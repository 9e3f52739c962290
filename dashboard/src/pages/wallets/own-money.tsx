import type { ComponentChildren, JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { Button } from '../../components/button.tsx';
import { SelectField, TextField } from '../../components/field.tsx';
import { ActionRow } from './action-row.tsx';
import type { SendMoney } from './money-panel.tsx';

/** `bonusEnd` as its field has it, "2026-12-24T18:00" where people are; `holdSeconds` as text. Empty is without an end. */
export type Ends = { readonly bonusEnd: string; readonly holdSeconds: string };

/** A span and not a time: asked for once more it is the same request, whatever the clock says then. */
const HOLD_SPANS = [
  ['', 'Not by itself'],
  ['900', 'After 15 minutes'],
  ['3600', 'After an hour'],
  ['86400', 'After a day'],
  ['604800', 'After 7 days'],
  ['2592000', 'After 30 days'],
] as const;

type OwnMoneyProps = {
  readonly own: { readonly userId: string; readonly assetSlug: string };
  readonly ends: Ends;
  readonly onEnds: (ends: Partial<Ends>) => void;
  readonly sending: boolean;
  readonly send: SendMoney;
  /** What became of the last action. */
  readonly outcome: ComponentChildren;
};

/** What is done with one wallet alone. Bonuses and holds may have an end. */
export function OwnMoney({ own, ends, onEnds, sending, send, outcome }: OwnMoneyProps): JSX.Element {
  const [fault, setFault] = useState<string | null>(null);
  const field = useRef<HTMLInputElement>(null);
  const { bonusEnd, holdSeconds } = ends;

  function bonus(): void {
    const wrong = faultOfEnd(bonusEnd, field.current?.validity.badInput === true);
    setFault(wrong);
    if (wrong !== null) return field.current?.focus();
    const end = bonusEnd === '' ? {} : { expiresAt: new Date(bonusEnd).toISOString() };
    send('/transactions/bonus', { ...own, ...end });
  }

  function hold(): void {
    send('/holds', { ...own, ...(holdSeconds === '' ? {} : { expiresInSeconds: Number(holdSeconds) }) });
  }

  return (
    <>
      <div class="grid grid-cols-2 gap-2">
        <Button disabled={sending}>Top up</Button>
        <Button look="plain" disabled={sending} onClick={() => send('/transactions/spend', own)}>
          Spend
        </Button>
      </div>
      {outcome}
      <ActionRow name="Bonus" sending={sending} onAct={bonus}>
        <TextField
          label="Bonus expires (optional)"
          type="datetime-local"
          value={bonusEnd}
          inputRef={field}
          fault={fault}
          onInput={(text) => {
            onEnds({ bonusEnd: text });
            setFault(null);
          }}
        />
      </ActionRow>
      <ActionRow name="Hold" sending={sending} onAct={hold}>
        <SelectField
          label="Hold ends"
          value={holdSeconds}
          options={HOLD_SPANS}
          onChange={(seconds) => onEnds({ holdSeconds: seconds })}
        />
      </ActionRow>
    </>
  );
}

/** A time that is half written counts as none with browsers, and nobody means a bonus for ever by it. */
function faultOfEnd(end: string, halfWritten: boolean): string | null {
  if (halfWritten) return 'Write day and time, or leave all of it empty.';
  return end !== '' && Date.parse(end) <= Date.now() ? 'That time is over.' : null;
}
