/** What is asked again and again, kept for a chart: the last so many answers, each with the time it came. */
import { useEffect, useState } from 'preact/hooks';

const MOST_SAMPLES = 300;
const LEAST_SPAN_SECONDS = 60;

export type Sample<Value> = { readonly seconds: number; readonly value: Value };

/** The kept ones stay while the page is left and come back to. */
const kept = new Map<string, readonly Sample<unknown>[]>();

/** Takes one whenever `value` is another object. Oldest first. */
export function useSamples<Value extends object>(name: string, value: Value): readonly Sample<Value>[] {
  const [samples, setSamples] = useState((kept.get(name) ?? []) as readonly Sample<Value>[]);
  useEffect(() => {
    setSamples((old) => {
      const next = [...old, { seconds: Date.now() / 1_000, value }].slice(-MOST_SAMPLES);
      kept.set(name, next);
      return next;
    });
  }, [name, value]);
  return samples;
}

/** Where the chart of them begins: with few of them, a while before the first. */
export function beginningOf(samples: readonly Sample<unknown>[]): number {
  const [first, last] = [samples[0]?.seconds ?? 0, samples.at(-1)?.seconds ?? 0];
  return Math.min(first - 1, last - LEAST_SPAN_SECONDS);
}
