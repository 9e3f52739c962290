/** A wallet's history as it is read: pages towards the past on demand, and what is new at the top by itself. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { read, type Problem } from '../../api/client.ts';
import { repeatedly } from '../../api/live.ts';
import type { HistoryLine, Page } from '../../api/types.ts';

const FIRST_PAGE = 100;
/** Of those who go on to what is older. */
const NEXT_PAGES = 500;
const EVERY_MS = 4_000;

export type History = {
  readonly lines: readonly HistoryLine[];
  /** Null: the first line ever is there. */
  readonly nextCursor: string | null;
  readonly loaded: boolean;
  readonly problem: Problem | null;
  readonly loadMore: () => void;
};

type Read = Pick<History, 'lines' | 'nextCursor' | 'loaded' | 'problem'> & { readonly of: string };

const NOTHING_YET = { lines: [], nextCursor: null, loaded: false, problem: null };

/** `filter`: a query without limit and cursor. */
export function useHistory(walletId: string, filter: string): History {
  const base = `/wallets/${walletId}/history?${filter}${filter === '' ? '' : '&'}`;
  const [shown, setShown] = useState<Read>({ of: base, ...NOTHING_YET });
  const isLoading = useRef(false);

  useEffect(
    () =>
      repeatedly(EVERY_MS, async (signal) => {
        const reply = await read<Page<HistoryLine>>(`${base}limit=${FIRST_PAGE}`, { sees: true, signal });
        if (signal.aborted) return;
        if (reply.kind === 'answered') setShown((old) => withNewest(old, base, reply.body));
        else {
          const { problem } = reply;
          setShown((old) => (old.of === base ? { ...old, problem } : { of: base, ...NOTHING_YET, problem }));
        }
      }),
    [base],
  );

  const { nextCursor } = shown;
  const loadMore = useCallback(() => {
    if (isLoading.current || nextCursor === null) return;
    isLoading.current = true;
    void read<Page<HistoryLine>>(`${base}limit=${NEXT_PAGES}&cursor=${encodeURIComponent(nextCursor)}`).then(
      (reply) => {
        isLoading.current = false;
        if (reply.kind !== 'answered') return;
        const { data, nextCursor: next } = reply.body;
        setShown((old) =>
          old.of === base && old.nextCursor === nextCursor
            ? { ...old, lines: [...old.lines, ...data], nextCursor: next }
            : old,
        );
      },
    );
  }, [base, nextCursor]);

  return { ...(shown.of === base ? shown : NOTHING_YET), loadMore };
}

/** Lines of one event have one position, so what is new is what stands above the newest line that was there. */
function withNewest(old: Read, of: string, page: Page<HistoryLine>): Read {
  const fresh = { of, lines: page.data, nextCursor: page.nextCursor, loaded: true, problem: null };
  const [newest] = old.lines;
  if (old.of !== of || newest === undefined) return fresh;
  const known = page.data.findIndex(({ position }) => position === newest.position);
  // A whole page is new, or the log is another one.
  if (known === -1) return fresh;
  if (known === 0 && old.problem === null) return old;
  return { ...old, lines: [...page.data.slice(0, known), ...old.lines], problem: null };
}
