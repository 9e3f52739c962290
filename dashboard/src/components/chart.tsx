/** Lines over time. What they say is said in words and figures beside them too: a canvas has no text. */
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type UPlot from 'uplot';
import { formatClock, formatDay } from '../lib/time.ts';
import 'uplot/dist/uPlot.min.css';

export type Series = {
  readonly label: string;
  /** One for each x; null where there is none. */
  readonly values: readonly (number | null)[];
  readonly color?: 'accent' | 'bad' | 'warn' | 'muted';
};

type ChartProps = {
  readonly label: string;
  /** Seconds since 1970, ascending. */
  readonly xs: readonly number[];
  readonly series: readonly Series[];
  readonly heightPx?: number;
  /** How a value is written at the axis. */
  readonly format?: (value: number) => string;
};

const HEIGHT_PX = 180;
const AXIS_PX = 64;
const TWO_DAYS_SECONDS = 2 * 86_400;

export function Chart(props: ChartProps): JSX.Element {
  const { label, heightPx = HEIGHT_PX } = props;
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<UPlot | null>(null);
  const latest = useRef(props);
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
      chart.current = new Plot(optionsOf(latest.current, place.clientWidth), dataOf(latest.current), place);
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
  }, [heightPx, props.series.length]);

  useEffect(() => chart.current?.setData(dataOf(props)));

  return (
    <div
      ref={box}
      role="img"
      aria-label={label}
      class="contain-inline-size"
      style={{ height: `${heightPx}px` }}
    />
  );
}

function dataOf({ xs, series }: ChartProps): UPlot.AlignedData {
  return [[...xs], ...series.map(({ values }) => [...values])];
}

function optionsOf(props: ChartProps, width: number): UPlot.Options {
  const { series, heightPx = HEIGHT_PX, format = (value) => value.toString() } = props;
  const color = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`);
  const axis = {
    stroke: color('muted'),
    grid: { stroke: color('line'), width: 1 },
    ticks: { show: false },
    font: '12px system-ui, sans-serif',
  };
  return {
    width,
    height: heightPx,
    legend: { show: false },
    cursor: { show: false },
    // On the right half of the last time stands out.
    padding: [8, 36, 0, 0],
    scales: { y: { range: (_chart, least, most) => rangeOf(least, most) } },
    axes: [
      {
        ...axis,
        grid: { show: false },
        space: 90,
        size: 30,
        values: (_chart, values) => values.map((value) => momentOf(value, spanOf(props))),
      },
      { ...axis, size: AXIS_PX, values: (_chart, values) => values.map((value) => format(value)) },
    ],
    series: [
      {},
      ...series.map(({ label, color: name = 'accent' }) => ({
        label,
        stroke: color(name),
        width: 1.5,
        points: { show: false },
      })),
    ],
  };
}

function spanOf({ xs }: ChartProps): number {
  return (xs.at(-1) ?? 0) - (xs[0] ?? 0);
}

/** A day where days are shown, else a time. */
function momentOf(seconds: number, spanSeconds: number): string {
  const rfc3339 = new Date(seconds * 1_000).toISOString();
  return spanSeconds > TWO_DAYS_SECONDS ? formatDay(rfc3339.slice(0, 10)) : formatClock(rfc3339);
}

/** From zero, and never without a height. */
function rangeOf(least: number | null, most: number | null): [number, number] {
  const [low, high] = [Math.min(0, least ?? 0), Math.max(0, most ?? 0)];
  return low === high ? [0, 1] : [low * 1.1, high * 1.1];
}
