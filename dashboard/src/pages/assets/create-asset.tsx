import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useAttempt } from '../../api/attempt.ts';
import type { Asset } from '../../api/types.ts';
import { Button } from '../../components/button.tsx';
import { TextField } from '../../components/field.tsx';
import { Outcome } from '../../components/outcome.tsx';
import { Panel } from '../../components/panel.tsx';
import { hintOf, parseAmount } from '../../lib/amount.ts';
import { hrefOf } from '../../lib/route.ts';

const MOST_DECIMALS = 18;

export function CreateAsset(): JSX.Element {
  const [slug, setSlug] = useState('');
  const [name, setName] = useState('');
  const [decimals, setDecimals] = useState('2');
  const [cap, setCap] = useState('');
  const [capFault, setCapFault] = useState<string | null>(null);
  const attempt = useAttempt<Asset>((asset) => {
    setSlug('');
    setName('');
    setCap('');
    location.hash = hrefOf({ page: 'assets', parts: [asset.slug] });
  });
  const scale = /^\d{1,2}$/.test(decimals) && Number(decimals) <= MOST_DECIMALS ? Number(decimals) : null;

  function create(): void {
    if (scale === null) return;
    const parsed = cap.trim() === '' ? null : parseAmount(cap, scale);
    if (parsed !== null && 'fault' in parsed) return setCapFault(parsed.fault);
    setCapFault(null);
    void attempt.send('/assets', {
      slug: slug.trim(),
      scale,
      ...(name.trim() === '' ? {} : { name: name.trim() }),
      ...(parsed === null ? {} : { supplyCap: parsed.amount }),
    });
  }

  return (
    <Panel title="New asset">
      <form
        class="grid gap-4"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          create();
        }}
      >
        <TextField
          label="Slug"
          hint="In addresses, such as gold_coins"
          value={slug}
          onInput={setSlug}
          maxLength={64}
        />
        <TextField label="Name (optional)" value={name} onInput={setName} maxLength={100} />
        <TextField
          label="Decimals"
          inputMode="numeric"
          value={decimals}
          onInput={setDecimals}
          maxLength={2}
          fault={scale === null ? `A whole number from 0 to ${MOST_DECIMALS}.` : null}
        />
        <TextField
          label="Supply cap (optional)"
          inputMode="decimal"
          value={cap}
          onInput={(text) => {
            setCap(text);
            setCapFault(null);
          }}
          maxLength={60}
          hint={hintOf(scale ?? 0)}
          fault={capFault}
        />
        <Button disabled={attempt.state.kind === 'sending'}>Create asset</Button>
        <Outcome state={attempt.state} done={(asset) => <p>Created {asset.name}.</p>} />
      </form>
    </Panel>
  );
}
