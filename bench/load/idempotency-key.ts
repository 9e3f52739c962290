// Keys shaped like a UUIDv7: the time first, because that is what clients are told to send, and keys in
// random order cost an index far more than keys in the order of time. A counter instead of random bits
// keeps it cheap and makes a repeat impossible within a run.

import { randomBytes, randomUUID } from 'node:crypto';
import type { LoadPlan } from './plan.ts';

export function newRunNonce(): string {
  return randomBytes(5).toString('hex');
}

/** Of the kind that the plan asks for. */
export function keySourceOf({ keys }: LoadPlan): () => string {
  return keys === 'random' ? () => randomUUID() : createKeySource(newRunNonce());
}

export function createKeySource(runNonce: string): () => string {
  let counter = 0;
  return () => {
    counter += 1;
    const time = Date.now().toString(16).padStart(12, '0');
    const low = (counter & 0xfff).toString(16).padStart(3, '0');
    const high = ((counter >> 12) & 0xfff).toString(16).padStart(3, '0');
    return `${time.slice(0, 8)}-${time.slice(8)}-7${low}-8${high}-${runNonce}00`;
  };
}
