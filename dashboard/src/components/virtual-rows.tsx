/**
 * A long table of which only the rows in sight exist: ten thousand scroll like ten. Rows have one height, and the space of
 * those out of sight is kept.
 */
import type { ComponentChildren, JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';

const MARGIN_ROWS = 8;
/** Rows from the end at which more are asked for. */
const NEAR_END_ROWS = 30;

type VirtualRowsProps = {
  readonly label: string;
  readonly count: number;
  readonly rowHeightPx: number;
  readonly heightPx: number;
  readonly head: ComponentChildren;
  readonly row: (index: number) => ComponentChildren;
  readonly onNearEnd: () => void;
};

export function VirtualRows(props: VirtualRowsProps): JSX.Element {
  const { label, count, rowHeightPx, heightPx, onNearEnd } = props;
  const [first, setFirst] = useState(0);
  const box = useRef<HTMLDivElement>(null);
  const visible = Math.ceil(heightPx / rowHeightPx) + 2 * MARGIN_ROWS;
  const from = Math.max(0, Math.min(first - MARGIN_ROWS, count - visible));
  const to = Math.min(count, from + visible);

  function onScroll(): void {
    const top = box.current?.scrollTop ?? 0;
    // In steps, so that most movements draw nothing anew.
    const row = Math.floor(top / rowHeightPx / 4) * 4;
    if (row !== first) setFirst(row);
    if ((top + heightPx) / rowHeightPx > count - NEAR_END_ROWS) onNearEnd();
  }

  const indexes = Array.from({ length: to - from }, (_, index) => from + index);
  return (
    <div
      ref={box}
      role="region"
      aria-label={label}
      tabIndex={0}
      class="overflow-y-auto"
      // On a phone a part of the page stays beside it, to scroll by.
      style={{ maxHeight: `min(${heightPx}px, 80dvh)` }}
      onScroll={onScroll}
    >
      <table class="w-full table-fixed border-collapse text-sm" aria-rowcount={count + 1}>
        <thead class="sticky top-0 z-10 bg-surface text-left text-xs text-muted">{props.head}</thead>
        <tbody>
          <Space heightPx={from * rowHeightPx} />
          {indexes.map(props.row)}
          <Space heightPx={(count - to) * rowHeightPx} />
        </tbody>
      </table>
    </div>
  );
}

function Space({ heightPx }: { readonly heightPx: number }): JSX.Element {
  return <tr aria-hidden="true" style={{ height: `${heightPx}px` }} />;
}
