/** Lines over time. What they say is said in words and figures beside them too: a canvas has no text. */
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type UPlot from 'uplot';
import { momentOf, optionsOf } from '../lib/chart-options.ts';
import 'uplot/dist/uPlot.min.css';

export type Series = {
  readonly label: string;
  /** One for each x; null where there is none. */
  readonly values: readonly (number | null)[];
  readonly color?: 'accent' | 'warn';
};

export type ChartProps = {
  readonly label: string;
  /** Seconds since 1970, ascending. */
  readonly xs: readonly number[];
  readonly series: readonly Series[];
  readonly heightPx?: number;
  /** How a value is written at the axis. */
  readonly format?: (value: number) => string;
  /** Values are counts: nothing between whole numbers is marked. */
  readonly isWhole?: boolean;
  /** How the value of the first series at an index is written where it is pointed at: as at the axis, or with more digits. */
  readonly exact?: (index: number) => string;
};

const HEIGHT_PX = 180;

/** Where the pointer is: at which x, and how far from the left of the whole. */
type Pointed = { readonly index: number; readonly leftPx: number; readonly isRight: boolean };

export function Chart(props: ChartProps): JSX.Element {
  const { label, heightPx = HEIGHT_PX, xs, series } = props;
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<UPlot | null>(null);
  const latest = useRef(props);
  const [pointed, setPointed] = useState<Pointed | null>(null);
  latest.current = props;

  useEffect(() => {
    const place = box.current;
    if (place === null) return undefined;
    let gone = false;
    const dark = matchMedia('(prefers-color-scheme: dark)');
    async function draw(): Promise<void> {
      const { default: Plot } = await import('uplot');
      if (gone || place === null) return;
      chart.current?.destroy();
      const size = { width: place.clientWidth, height: heightPx };
      const options = optionsOf(latest, size, (plot) => setPointed(pointedBy(plot)));
      chart.current = new Plot(options, dataOf(latest.current), place);
    }
    const redraw = () => void draw();
    const resize = new ResizeObserver(() =>
      chart.current?.setSize({ width: place.clientWidth, height: heightPx }),
    );
    redraw();
    resize.observe(place);
    dark.addEventListener('change', redraw);
    return () => {
      gone = true;
      resize.disconnect();
      dark.removeEventListener('change', redraw);
      chart.current?.destroy();
      chart.current = null;
    };
  }, [heightPx, series.length]);

  useEffect(() => chart.current?.setData(dataOf(latest.current)), [xs, series]);

  return (
    <div class="relative contain-inline-size" style={{ height: `${heightPx}px` }}>
      <div ref={box} role="img" aria-label={label} class="h-full" />
      {pointed !== null && <Pointer {...props} pointed={pointed} />}
    </div>
  );
}

function dataOf({ xs, series }: ChartProps): UPlot.AlignedData {
  return [[...xs], ...series.map(({ values }) => [...values])];
}

function pointedBy({ cursor, over }: UPlot): Pointed | null {
  const { idx, left } = cursor;
  if (idx == null || left === undefined || left < 0) return null;
  return { index: idx, leftPx: over.offsetLeft + left, isRight: left > over.clientWidth / 2 };
}

/** The figures under the pointer, on the side of it where there is more room. */
function Pointer(props: ChartProps & { readonly pointed: Pointed }): JSX.Element | null {
  const { xs, series, exact, format = String, pointed } = props;
  const { index, leftPx, isRight } = pointed;
  const seconds = xs[index];
  const lines = series
    .map(({ label, values }, at) => [label, values[index] ?? null, at] as const)
    .filter(([, value]) => value !== null);
  if (seconds === undefined || lines.length === 0) return null;
  return (
    <div
      aria-hidden="true"
      class={`pointer-events-none absolute top-1 z-10 max-w-1/2 rounded-md border border-line bg-surface px-2.5 py-1.5 text-xs shadow-sm ${isRight ? '-translate-x-[calc(100%+0.5rem)]' : 'translate-x-2'}`}
      style={{ left: `${leftPx}px` }}
    >
      <p class="text-muted">{momentOf(seconds, xs)}</p>
      {lines.map(([label, value, at]) => (
        <p key={label} class="wrap-anywhere">
          {series.length > 1 && <span class="text-muted">{label} </span>}
          <span class="font-medium">
            {at === 0 && exact !== undefined ? exact(index) : format(Number(value))}
          </span>
        </p>
      ))}
    </div>
  );
}
