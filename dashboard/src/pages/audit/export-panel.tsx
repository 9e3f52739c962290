import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { download } from '../../api/download.ts';
import type { Problem } from '../../api/client.ts';
import { Button } from '../../components/button.tsx';
import { TextField } from '../../components/field.tsx';
import { ProblemNote } from '../../components/outcome.tsx';
import { Panel } from '../../components/panel.tsx';

const POSITION = /^(?:[1-9][0-9]{0,18})?$/;
const FAULT = 'A position, such as 1.';
const MIB = 2 ** 20;

type State =
  | { readonly kind: 'idle' | 'done' }
  | { readonly kind: 'coming'; readonly bytes: number }
  | { readonly kind: 'failed'; readonly problem: Problem };

/** The log as files, for those who believe nobody but themselves. */
export function ExportPanel(): JSX.Element {
  const [from, setFrom] = useState('');
  const [to, setTo] = useState('');
  const [state, setState] = useState<State>({ kind: 'idle' });
  const isWrong = !POSITION.test(from.trim()) || !POSITION.test(to.trim());

  async function fetchIt(): Promise<void> {
    if (isWrong || state.kind === 'coming') return;
    const query = new URLSearchParams({
      ...(from.trim() === '' ? {} : { from: from.trim() }),
      ...(to.trim() === '' ? {} : { to: to.trim() }),
    }).toString();
    setState({ kind: 'coming', bytes: 0 });
    const path = `/audit/export${query === '' ? '' : `?${query}`}`;
    const problem = await download(path, 'coffer-export.tar', (bytes) => setState({ kind: 'coming', bytes }));
    setState(problem === null ? { kind: 'done' } : { kind: 'failed', problem });
  }

  return (
    <Panel title="Export">
      <form
        class="grid gap-4"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void fetchIt();
        }}
      >
        <p class="text-sm text-muted">
          A tar with the events, checkpoints, public keys and schemas: enough to derive every balance and
          check every signature without this service.
        </p>
        <div class="grid gap-3 sm:grid-cols-2">
          <TextField
            label="From position (optional)"
            inputMode="numeric"
            maxLength={19}
            value={from}
            onInput={setFrom}
            hint="The first one, 1"
            fault={POSITION.test(from.trim()) ? null : FAULT}
          />
          <TextField
            label="To position (optional)"
            inputMode="numeric"
            maxLength={19}
            value={to}
            onInput={setTo}
            hint="The newest one"
            fault={POSITION.test(to.trim()) ? null : FAULT}
          />
        </div>
        <div>
          <Button disabled={isWrong || state.kind === 'coming'}>Download the export</Button>
        </div>
        <div aria-live="polite" class="text-sm empty:absolute">
          {state.kind === 'coming' && (
            <p class="text-muted">
              {state.bytes === 0 ? 'Asking for it…' : `${(state.bytes / MIB).toFixed(1)} MiB came…`}
            </p>
          )}
          {state.kind === 'done' && <p>The browser saves it.</p>}
          {state.kind === 'failed' && <ProblemNote problem={state.problem} />}
        </div>
      </form>
      <OfflineTools />
    </Panel>
  );
}

const TOOLS = [
  ['coffer audit check proof.json --key coffer.vkey', 'checks a proof without a service'],
  ['coffer audit replay log --key coffer.vkey', 'derives all balances from an export'],
  ['coffer audit verify', 'verifies the log beside its database'],
] as const;

function OfflineTools(): JSX.Element {
  return (
    <details class="mt-4 text-sm">
      <summary class="font-medium">What to do with it offline</summary>
      <dl class="mt-2 grid gap-2">
        {TOOLS.map(([command, what]) => (
          <div key={command}>
            <dt class="font-mono text-xs wrap-anywhere">{command}</dt>
            <dd class="text-muted">It {what}.</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
