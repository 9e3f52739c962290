import type { JSX } from 'preact';
import { connection } from '../api/connection.ts';
import { takeKey } from '../api/key.ts';
import { useStore } from '../lib/store.ts';
import { Button } from './button.tsx';
import { TextField } from './field.tsx';

/** In place of every page while the service wants a key: they are there, and ask for everything anew, once it has one. */
export function KeyForm(): JSX.Element {
  const { refusedKey } = useStore(connection);
  return (
    <form
      class="mx-auto mt-6 grid max-w-md gap-4 rounded-xl border border-line bg-surface p-5 sm:p-6"
      onSubmit={(event) => {
        event.preventDefault();
        const key = new FormData(event.currentTarget).get('key');
        if (typeof key === 'string' && key.trim() !== '') takeKey(key.trim());
      }}
    >
      <div class="grid gap-1">
        <h2 class="text-base font-semibold">Who is asking?</h2>
        <p class="text-sm text-muted">
          This server answers only those who show a key. It is kept for this tab, and gone when the tab is
          closed.
        </p>
      </div>
      <TextField
        label="API key"
        name="key"
        type="password"
        autocomplete="off"
        fault={refusedKey ? 'That key is not known, or was revoked, or is over.' : null}
      />
      <Button>Use key</Button>
    </form>
  );
}
