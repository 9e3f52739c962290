// Walks along a wallet's history as a client would, to learn where its pages begin: cursors are opaque. Every line on the way has to
// follow from the one before.

import { sendOne } from '../systems/setup.ts';

/** The longest page that is served. */
const STEP = 500;

export type Walk = {
  walletId: string;
  /** Lines of a page. */
  page: number;
  /** Numbers of pages; of each, and of those that follow it, the paths are wanted. */
  first: number;
  deep: number;
  neighbours: number;
  /** Now: what the newest line has to show. */
  balance: bigint;
};

type Line = { position: string; direction: 'CREDIT' | 'DEBIT'; amount: string; balanceAfter: string };
type Answer = { data: Line[]; nextCursor: string | null };

export async function walkHistory(
  baseUrl: string,
  walk: Walk,
): Promise<{ pages: { first: string[]; deep: string[] }; faults: string[] }> {
  const faults: string[] = [];
  let { balance } = walk;
  let passed = 0;
  let cursor: string | null = null;

  async function step(limit: number): Promise<void> {
    const path: string = pathOf(walk, limit, cursor);
    const { data, nextCursor } = (await sendOne(baseUrl, { method: 'GET', path }, '')) as Answer;
    if (data.length < limit && nextCursor !== null)
      faults.push(`a page of ${limit} has ${data.length} lines`);
    if (nextCursor === null) throw new Error(`the history ends after ${passed + data.length} lines`);
    for (const { position, direction, amount, balanceAfter } of data) {
      if (BigInt(balanceAfter) !== balance)
        faults.push(
          `the line at ${position} leaves ${balanceAfter}, the one after it started from ${balance}`,
        );
      balance = BigInt(balanceAfter) - (direction === 'CREDIT' ? BigInt(amount) : -BigInt(amount));
    }
    passed += data.length;
    cursor = nextCursor;
  }

  /** The paths of this page and its neighbours. */
  async function pagesFrom(number: number): Promise<string[]> {
    for (let left = (number - 1) * walk.page - passed; left > 0; left = (number - 1) * walk.page - passed)
      await step(Math.min(STEP, left));
    const paths: string[] = [];
    while (paths.length < walk.neighbours) {
      paths.push(pathOf(walk, walk.page, cursor));
      await step(walk.page);
    }
    return paths;
  }

  const first = await pagesFrom(walk.first);
  const deep = await pagesFrom(Math.max(walk.deep, walk.first + walk.neighbours));
  return { pages: { first, deep }, faults: faults.slice(0, 10) };
}

function pathOf({ walletId }: Walk, limit: number, cursor: string | null): string {
  const after = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
  return `/wallets/${walletId}/history?limit=${limit}${after}`;
}
