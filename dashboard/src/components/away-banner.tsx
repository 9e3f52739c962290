import type { JSX } from 'preact';
import { connection } from '../api/connection.ts';
import { useStore } from '../lib/store.ts';

/** Says plainly that the service is away, and goes by itself when it is back. */
export function AwayBanner(): JSX.Element {
  const { away } = useStore(connection);
  return (
    <div
      role="status"
      class={away === null ? '' : 'mb-5 rounded-lg bg-warn-tint px-4 py-3 text-sm text-warn'}
    >
      {away !== null && (
        <>
          <strong class="font-semibold">The server is away.</strong> {away} What you see may be out of date;
          this page tries again by itself.
        </>
      )}
    </div>
  );
}
