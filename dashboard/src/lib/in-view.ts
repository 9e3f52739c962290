/** What somebody asked for, and may stand where they do not look. */
import type { Ref } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

/** Brings the element into view whenever `what` has changed, and leaves all as it is where it is in view. */
export function useInView(what: unknown): Ref<HTMLDivElement> {
  const place = useRef<HTMLDivElement>(null);
  const before = useRef(what);
  useEffect(() => {
    if (before.current !== what) place.current?.scrollIntoView({ block: 'nearest' });
    before.current = what;
  }, [what]);
  return place;
}
