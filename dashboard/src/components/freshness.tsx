import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { connection } from '../api/connection.ts';
import { grouped } from '../lib/amount.ts';
import { useStore } from '../lib/store.ts';
import { formatAge } from '../lib/time.ts';

/** How old what is shown is, and up to which event it tells. */
export function Freshness(): JSX.Element {
  const { answeredAt, position, away } = useStore(connection);
  const now = useNow();
  const age = answeredAt === null ? null : formatAge(now - answeredAt);
  return (
    <p class="flex items-center gap-2 text-sm text-muted">
      <span
        aria-hidden="true"
        class={`inline-block size-2 rounded-full ${away === null && answeredAt !== null ? 'bg-good' : 'bg-warn'}`}
      />
      {age === null ? 'Asking the server…' : `Updated ${age}${age === 'just now' ? '' : ' ago'}`}
      {position !== '0' && ` · event ${grouped(position)}`}
    </p>
  );
}

/** Date.now(), again each second. */
export function useNow(): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
