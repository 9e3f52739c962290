import type { JSX } from 'preact';
import { useLive } from '../../api/live.ts';
import type { EventPage, LedgerEvent } from '../../api/types.ts';
import { grouped } from '../../lib/amount.ts';

/** What never changes is asked for once, more or less. */
const EVERY_MS = 300_000;

/** The event that a transaction is, as it is stored. */
export function EventsSection({ position }: { readonly position: string }): JSX.Element | null {
  const after = (BigInt(position) - 1n).toString();
  const { data } = useLive<EventPage>(`/events?after=${after}&limit=1`, { everyMs: EVERY_MS });
  const [event] = data?.data ?? [];
  if (event === undefined) return null;
  return (
    <section aria-label="Event">
      <h3 class="mb-2 text-sm font-semibold">Event</h3>
      <EventDetails event={event} />
    </section>
  );
}

export function EventDetails({ event }: { readonly event: LedgerEvent }): JSX.Element {
  const { data, ...columns } = event;
  return (
    <details class="rounded-lg border border-line">
      <summary class="px-3 py-2 text-sm">
        <span class="font-medium">{event.type}</span>
        <span class="text-muted"> at position {grouped(event.position)}</span>
      </summary>
      <pre
        tabIndex={0}
        class="max-h-80 overflow-auto border-t border-line px-3 py-2 font-mono text-xs leading-relaxed wrap-anywhere whitespace-pre-wrap"
      >
        {JSON.stringify({ ...columns, data }, null, 2)}
      </pre>
    </details>
  );
}
