/** How charts are drawn: axes, colours, and what is told of the pointer. */
import type UPlot from 'uplot';
import type { ChartProps } from '../components/chart.tsx';
import { formatClock, formatDay } from './time.ts';

const TWO_DAYS_SECONDS = 2 * 86_400;
/** 1, 2, 5, 10, 20, 50, ... */
const WHOLE_STEPS = Array.from({ length: 10 }, (_, power) =>
  [1, 2, 5].map((step) => step * 10 ** power),
).flat();
const LETTER_PX = 7;
const AXIS_GAP_PX = 16;
/** Of the colour of the line, for what is below it. */
const FILL_ALPHA = '1a';

/** `latest`: what the chart shows now, so that what is drawn later on is written as that wants it. */
export function optionsOf(
  latest: { readonly current: ChartProps },
  size: { readonly width: number; readonly height: number },
  onPoint: (chart: UPlot) => void,
): UPlot.Options {
  const color = (name: string) =>
    getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const axis = {
    stroke: color('muted'),
    grid: { stroke: color('line'), width: 1 },
    ticks: { show: false },
    font: '12px system-ui, sans-serif',
  };
  const written = (value: number) => (latest.current.format ?? String)(value);
  return {
    ...size,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
    hooks: { setCursor: [onPoint] },
    // On the right half of the last time stands out.
    padding: [8, 28, 0, 0],
    scales: { y: { range: (_chart, least, most) => rangeOf(least, most) } },
    axes: [
      {
        ...axis,
        grid: { show: false },
        space: 90,
        size: 26,
        values: (_chart, values) => values.map((value) => momentOf(value, latest.current.xs)),
      },
      {
        ...axis,
        ...(latest.current.isWhole === true ? { incrs: WHOLE_STEPS } : {}),
        size: (_chart, values: readonly string[] | null) => widthOf(values ?? []),
        values: (_chart, values) => values.map(written),
      },
    ],
    series: [
      {},
      ...latest.current.series.map(({ label, color: name = 'accent' }, index) => ({
        label,
        stroke: color(name),
        width: 1.5,
        points: { show: false },
        ...(index === 0 ? { fill: `${color(name)}${FILL_ALPHA}` } : {}),
      })),
    ],
  };
}

/** Of an axis whose labels are these. */
function widthOf(labels: readonly string[]): number {
  return Math.max(0, ...labels.map(({ length }) => length)) * LETTER_PX + AXIS_GAP_PX;
}

/** A day where days are shown, else a time. */
export function momentOf(seconds: number, xs: readonly number[]): string {
  const rfc3339 = new Date(seconds * 1_000).toISOString();
  const spanSeconds = (xs.at(-1) ?? 0) - (xs[0] ?? 0);
  return spanSeconds > TWO_DAYS_SECONDS ? formatDay(rfc3339.slice(0, 10)) : formatClock(rfc3339);
}

/** From zero, and never without a height. */
function rangeOf(least: number | null, most: number | null): [number, number] {
  const [low, high] = [Math.min(0, least ?? 0), Math.max(0, most ?? 0)];
  return low === high ? [0, 1] : [low * 1.1, high * 1.1];
}
