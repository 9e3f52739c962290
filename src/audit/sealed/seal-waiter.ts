/** How a query waits until a position is sealed. All who wait share one look at a time. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Transaction } from '../../db/transaction.ts';
import { OperationalError } from '../../errors.ts';
import { readSealedState } from './checkpoint-log.ts';

/** Checkpoints come once a second. */
const LOOK_MS = 100;

export function notSealedYet(sealed: bigint): OperationalError {
  const told = { retryAfterSeconds: 1, position: sealed };
  return new OperationalError('not_sealed_yet', `The log is sealed up to position ${sealed}.`, told);
}

export function createSealWaiter(
  tx: Transaction,
  ledgerId: number,
): (wanted: { position: bigint; timeoutMs: number }) => Promise<void> {
  let looking: Promise<bigint> | null = null;

  async function look(): Promise<bigint> {
    return (await readSealedState(tx, ledgerId)).sealed;
  }

  function lookLater(): Promise<bigint> {
    looking ??= delay(LOOK_MS).then(() => {
      // Who comes from here on needs a look that starts after that.
      looking = null;
      return look();
    });
    return looking;
  }

  return async ({ position, timeoutMs }) => {
    const until = performance.now() + timeoutMs;
    for (let sealed = await look(); sealed < position; sealed = await lookLater())
      if (performance.now() >= until) throw notSealedYet(sealed);
  };
}
