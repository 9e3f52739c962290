import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { connection } from '../api/connection.ts';
import { useLive } from '../api/live.ts';
import type { Page, Projection } from '../api/types.ts';
import { grouped } from '../lib/amount.ts';
import { useStore } from '../lib/store.ts';
import { formatAge } from '../lib/time.ts';

/** A read model that is less behind is on its way. */
const BEHIND_MS = 2_000;

/** How old what is shown is, up to which event it tells, and how much the read models do not know yet. */
export function Freshness(): JSX.Element {
  const { answeredAt, position, away } = useStore(connection);
  const { data } = useLive<Page<Projection>>('/projections');
  const now = useNow();
  const age = answeredAt === null ? null : formatAge(now - answeredAt);
  const behind = mostBehind(data?.data ?? []);
  const isGood = away === null && answeredAt !== null && behind === null;
  return (
    <p class="flex flex-wrap items-center gap-x-2 text-sm text-muted">
      <span aria-hidden="true" class={`inline-block size-2 rounded-full ${isGood ? 'bg-good' : 'bg-warn'}`} />
      {age === null ? 'Asking the server…' : `Updated ${age}${age === 'just now' ? '' : ' ago'}`}
      {position !== '0' && ` · event ${grouped(position)}`}
      {behind !== null && (
        <span class="text-warn">
          Read models are {grouped(behind.lagEvents)} {behind.lagEvents === '1' ? 'event' : 'events'} behind,{' '}
          {formatAge(behind.lagMs)}
        </span>
      )}
    </p>
  );
}

function mostBehind(projections: readonly Projection[]): Projection | null {
  const [most] = projections.toSorted((one, other) => other.lagMs - one.lagMs);
  return most === undefined || most.lagEvents === '0' || most.lagMs < BEHIND_MS ? null : most;
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
