import type { JSX } from 'preact';
import { heights } from '../lib/amount.ts';

const WIDTH = 240;
const HEIGHT = 36;
const EDGE = 2;

/** A line without figures; the words beside it say what it shows. */
export function Sparkline(props: {
  readonly values: readonly string[];
  readonly label: string;
}): JSX.Element | null {
  const { values, label } = props;
  if (values.length < 2) return null;
  const step = (WIDTH - 2 * EDGE) / (values.length - 1);
  const points = heights(values).map((height, index) => {
    const x = EDGE + index * step;
    const y = HEIGHT - EDGE - height * (HEIGHT - 2 * EDGE);
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  });
  return (
    <svg
      role="img"
      aria-label={label}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      class="h-9 w-full text-accent"
    >
      <polyline
        points={points.join(' ')}
        fill="none"
        stroke="currentColor"
        stroke-width="1.5"
        stroke-linejoin="round"
        stroke-linecap="round"
        vector-effect="non-scaling-stroke"
      />
    </svg>
  );
}
