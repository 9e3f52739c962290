import type { JSX } from 'preact';
import { connection } from '../api/connection.ts';
import { takeKey } from '../api/key.ts';
import { useStore } from '../lib/store.ts';
import { Button } from './button.tsx';
import { TextField } from './field.tsx';

/** Shown when the service answers 401: everything is asked again once there is a key. */
export function KeyForm(): JSX.Element | null {
  const { wantsKey } = useStore(connection);
  if (!wantsKey) return null;
  return (
    <form
      class="mb-5 flex max-w-xl flex-wrap items-end gap-3 rounded-xl border border-line bg-surface p-5"
      onSubmit={(event) => {
        event.preventDefault();
        const key = new FormData(event.currentTarget).get('key');
        if (typeof key === 'string' && key.trim() !== '') takeKey(key.trim());
      }}
    >
      <p class="w-full text-sm text-muted">
        This server answers only those who show a key. It is kept for this tab.
      </p>
      <TextField label="API key" name="key" type="password" autocomplete="off" class="min-w-56 flex-1" />
      <Button>Use key</Button>
    </form>
  );
}
