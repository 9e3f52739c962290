/**
 * Concurrent balance queries share statements: while one is under way the next ones gather, as commands do. No
 * query waits for company, and each is answered by a statement that started after it came.
 */
import type { Transaction } from '../../db/transaction.ts';
import { readBalances, type Balance, type BalanceOf } from './balances.ts';

const MAX_BATCH = 500;
/** Two statements under way keep the database busy while this process encodes and decodes. */
const MAX_IN_FLIGHT = 2;
/** Fewer go together: each statement has a fixed cost. */
const MIN_SHARE = 8;

export type BalanceReader = (wanted: BalanceOf) => Promise<Balance>;

type Waiting = {
  readonly wanted: BalanceOf;
  readonly resolve: (balance: Balance) => void;
  readonly reject: (error: unknown) => void;
};

export function createBalanceReader(
  tx: Transaction,
  ledgerId: number,
  consistency: 'projected' | 'strong',
): BalanceReader {
  let waiting: Waiting[] = [];
  let inFlight = 0;
  let scheduled = false;

  /** What waits is shared by the statements that may leave: all of it in one, and this process would wait while the database works. */
  function runWhatMay(): void {
    scheduled = false;
    while (waiting.length > 0 && inFlight < MAX_IN_FLIGHT) {
      const free = MAX_IN_FLIGHT - inFlight;
      const share = waiting.length < MIN_SHARE * free ? waiting.length : Math.ceil(waiting.length / free);
      const batch = waiting.slice(0, Math.min(share, MAX_BATCH));
      waiting = waiting.slice(batch.length);
      inFlight += 1;
      void run(batch);
    }
  }

  async function run(batch: readonly Waiting[]): Promise<void> {
    try {
      const balances = await readBalances(
        tx,
        ledgerId,
        batch.map(({ wanted }) => wanted),
        consistency,
      );
      for (const [index, { resolve, reject }] of batch.entries()) {
        const balance = balances[index];
        if (balance === undefined) reject(new Error('a balance query gave fewer rows than it was asked for'));
        else resolve(balance);
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      inFlight -= 1;
      schedule();
    }
  }

  function schedule(): void {
    if (scheduled || waiting.length === 0 || inFlight >= MAX_IN_FLIGHT) return;
    scheduled = true;
    setImmediate(runWhatMay);
  }

  return (wanted) =>
    new Promise((resolve, reject) => {
      waiting.push({ wanted, resolve, reject });
      schedule();
    });
}
