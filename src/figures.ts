/** Figures that the database knows, for metrics that have to be there when it is not. */
import { endsWithin } from './time-limit.ts';

const WAIT_MS = 250;

/** One question at a time: a silent database must not take connection after connection. */
export function figuresOf<State>(
  read: () => Promise<State>,
): (of: (state: State) => bigint) => Promise<number> {
  let reading: Promise<void> | null = null;
  let state: State | null = null;

  return async (of) => {
    reading ??= read()
      .catch(() => null)
      .then((found) => {
        state = found;
        reading = null;
      });
    const answered = await endsWithin(reading, WAIT_MS);
    return answered && state !== null ? Number(of(state)) : Number.NaN;
  };
}
