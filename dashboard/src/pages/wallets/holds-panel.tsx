import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useAttempt } from '../../api/attempt.ts';
import { useLive } from '../../api/live.ts';
import type { Asset, Hold, Page } from '../../api/types.ts';
import { Button } from '../../components/button.tsx';
import { TextField } from '../../components/field.tsx';
import { Outcome, ProblemNote } from '../../components/outcome.tsx';
import { Empty, Panel } from '../../components/panel.tsx';
import { parseAmount } from '../../lib/amount.ts';
import { formatTime } from '../../lib/time.ts';
import { money } from './money-words.tsx';

const MOST_SHOWN = 50;

/** What is reserved of a user's money now. Each hold is captured or released. */
export function HoldsPanel(props: {
  readonly userId: string;
  readonly assets: readonly Asset[];
}): JSX.Element {
  const { userId, assets } = props;
  const path = `/holds?userId=${userId}&status=open&limit=${MOST_SHOWN}`;
  const { data, problem } = useLive<Page<Hold>>(path, { sees: true });
  const [ended, setEnded] = useState<string | null>(null);
  const holds = data?.data ?? [];
  return (
    <Panel title="Holds">
      <div class="grid grid-cols-[minmax(0,1fr)] gap-3">
        {problem !== null && data === null && <ProblemNote problem={problem} />}
        {holds.length > 0 && (
          <div class="max-h-96 divide-y divide-line overflow-y-auto" role="group" aria-label="Open holds">
            {holds.map((hold) => (
              <HoldRow key={hold.holdId} hold={hold} assets={assets} onEnded={setEnded} />
            ))}
          </div>
        )}
        {data !== null && holds.length === 0 && <Empty>Nothing is held.</Empty>}
        {data?.nextCursor != null && <p class="text-sm text-muted">The {MOST_SHOWN} newest are shown.</p>}
        <p aria-live="polite" class="text-sm text-muted empty:absolute">
          {ended}
        </p>
      </div>
    </Panel>
  );
}

type HoldRowProps = {
  readonly hold: Hold;
  readonly assets: readonly Asset[];
  readonly onEnded: (words: string) => void;
};

function HoldRow({ hold, assets, onEnded }: HoldRowProps): JSX.Element {
  const [part, setPart] = useState('');
  const [fault, setFault] = useState<string | null>(null);
  const scale = assets.find(({ slug }) => slug === hold.asset)?.scale ?? 0;
  const of = money(hold.remaining, hold.asset, assets);
  // The row goes away with the hold, so its panel says what became of it.
  const attempt = useAttempt<Hold>(({ status, captured }) =>
    onEnded(
      status === 'captured'
        ? `Captured ${money(captured, hold.asset, assets)}.`
        : `Released the hold of ${of}.`,
    ),
  );
  const sending = attempt.state.kind === 'sending';

  function capture(): void {
    const parsed = part.trim() === '' ? null : parseAmount(part, scale);
    if (parsed !== null && 'fault' in parsed) return setFault(parsed.fault);
    setFault(null);
    void attempt.send(`/holds/${hold.holdId}/capture`, parsed ?? {});
  }

  return (
    <article class="grid grid-cols-[minmax(0,1fr)] gap-2 px-1 py-3 first:pt-0 last:pb-1">
      <div>
        <p class="font-semibold wrap-anywhere">{of}</p>
        <p class="text-sm wrap-anywhere text-muted">
          {hold.expiresAt === null ? 'Until it is ended' : `Until ${formatTime(hold.expiresAt)}`}
          {hold.reference !== null && ` · ${hold.reference}`}
        </p>
      </div>
      <div class="flex flex-wrap items-start gap-2">
        <TextField
          label="Part to capture"
          placeholder="All of it"
          inputMode="decimal"
          maxLength={60}
          class="min-w-32 flex-1 max-sm:basis-full"
          value={part}
          onInput={setPart}
          fault={fault}
        />
        <Button look="plain" class="sm:mt-6" disabled={sending} onClick={capture}>
          Capture
        </Button>
        <Button
          look="plain"
          class="sm:mt-6"
          disabled={sending}
          onClick={() => void attempt.send(`/holds/${hold.holdId}/release`, {})}
        >
          Release
        </Button>
      </div>
      <Outcome state={attempt.state} done={({ status }) => <p>{status}</p>} />
    </article>
  );
}
