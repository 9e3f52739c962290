/** What steps come to: requests in the words of the reference. Histories that once went wrong are kept here. */
import { CAPS, USERS, alone, type Asked, type Step } from './commands.ts';
import type { Item, Reference, Request, Via } from './reference-requests.ts';
import type { Command, Ledger } from './reference-terms.ts';
import { walletName } from './reference-words.ts';

/** What every history begins with: something to spend, and to be refused for being more than that. */
export const beginning: readonly Step[] = Object.keys(CAPS).map((asset) => {
  const items = USERS.slice(0, 3).map((user) => {
    return { asked: { kind: 'topup', user, asset, amount: 100n } as const, keyOf: null };
  });
  return { kind: 'send', via: 'each', items, dryRun: false };
});

/** Histories that once came to something else than they should. */
export const traps: readonly Step[][] = [
  // A refused batch is answered again as it was, though by now an earlier command of it would be refused.
  [
    {
      ...{ kind: 'send', via: 'atomic', dryRun: false },
      items: [40n, 500n].map((amount) => {
        return { asked: { kind: 'spend', user: 'alice', asset: 'gold', amount } as const, keyOf: null };
      }),
    },
    alone({ kind: 'spend', user: 'alice', asset: 'gold', amount: 90n }),
    { kind: 'repeat', which: 2, via: null },
  ],
  // Who has nothing left is erased, and from then on neither paid nor charged, shown nor changed.
  [
    alone({ kind: 'user.status', user: 'alice', barred: false }),
    alone({ kind: 'spend', user: 'alice', asset: 'gold', amount: 100n }),
    alone({ kind: 'user.erase', user: 'alice' }),
    alone({ kind: 'transfer', from: 'alice', to: 'bob', asset: 'ore', amount: 100n }),
    alone({ kind: 'user.erase', user: 'alice' }),
    ...[2, 3, 4, 5, 6].map((which): Step => ({ kind: 'repeat', which, via: null })),
    alone({ kind: 'topup', user: 'alice', asset: 'gold', amount: 1n }),
    alone({ kind: 'transfer', from: 'bob', to: 'alice', asset: 'gold', amount: 1n }),
    alone({ kind: 'user.status', user: 'alice', barred: true }),
    ...[0, 1, 6, 7, 8].map((transaction) =>
      alone({ kind: 'reversal', transaction, amount: null, force: true }),
    ),
  ],
  // Of two who cannot both be served at their time, the second is declined; what a hold keeps of a bonus outlives it.
  [
    { kind: 'later', asked: { kind: 'spend', user: 'bob', asset: 'gold', amount: 70n }, seconds: 60 },
    {
      kind: 'later',
      asked: { kind: 'transfer', from: 'bob', to: 'carol', asset: 'gold', amount: 60n },
      seconds: 60,
    },
    { kind: 'later', asked: { kind: 'topup', user: 'nobody', asset: 'gold', amount: 1n }, seconds: 60 },
    alone({ kind: 'bonus', user: 'carol', asset: 'gold', amount: 40n, days: 10 }),
    alone({ kind: 'hold', user: 'carol', asset: 'gold', amount: 30n, expires: false }),
    { kind: 'wait', seconds: 86_400 * 11, sweeps: false },
    alone({ kind: 'spend', user: 'carol', asset: 'gold', amount: 101n }),
    { kind: 'wait', seconds: 1, sweeps: true },
    alone({ kind: 'capture', hold: 0, amount: 20n, final: true, to: null }),
    { kind: 'cancel', which: 0 },
    { kind: 'wait', seconds: 1, sweeps: true },
  ],
  // Who was forced below zero and is paid has no more to spend than that.
  [
    alone({ kind: 'spend', user: 'alice', asset: 'gold', amount: 100n }),
    alone({ kind: 'reversal', transaction: 6, amount: null, force: true }),
    alone({
      kind: 'postings',
      postings: [
        { from: '@treasury', to: 'alice', asset: 'gold', amount: 130n },
        { from: 'alice', to: '@revenue', asset: 'gold', amount: 110n },
      ],
    }),
  ],
];

/** What was sent so far. */
export type Sent = { readonly requests: Request[]; readonly items: Item[] };

/** Notes it as sent; null when there is nothing yet to repeat. */
export function requestOf(
  step: Extract<Step, { kind: 'send' | 'repeat' }>,
  { ledger }: Reference,
  sent: Sent,
): Request | null {
  if (step.kind === 'repeat') {
    const request = sent.requests[step.which % Math.max(sent.requests.length, 1)];
    return request === undefined ? null : { ...request, via: viaOf(request, step.via) };
  }
  const items = step.items.map(({ asked, keyOf }): Item => {
    const earlier = keyOf === null ? undefined : sent.items[keyOf % Math.max(sent.items.length, 1)];
    return { key: earlier?.key ?? crypto.randomUUID(), command: commandOf(asked, ledger) };
  });
  const request = { via: step.via, items };
  sent.requests.push(request);
  sent.items.push(...items);
  return request;
}

const WITHOUT_BATCHES: readonly Command['kind'][] = [
  ...(['user.status', 'user.erase', 'asset.status', 'wallet.status'] as const),
  ...(['wallet.overdraft', 'wallet.limits', 'asset.limits'] as const),
];

function viaOf({ via, items }: Request, wanted: Via | null): Via {
  if (wanted === null || (wanted === 'route' && items.length > 1)) return via;
  return items.some(({ command }) => WITHOUT_BATCHES.includes(command.kind)) ? via : wanted;
}

export function commandOf(asked: Asked, ledger: Ledger): Command {
  switch (asked.kind) {
    case 'capture':
    case 'release':
      return { ...asked, hold: placeIn(ledger.holds, asked.hold) };
    case 'reversal':
      return { ...asked, transaction: placeIn(ledger.transactions, asked.transaction) };
    case 'wallet.status':
    case 'wallet.overdraft':
    case 'wallet.limits':
      return { ...asked, known: ledger.wallets.has(walletName(asked.owner, asked.asset)) };
    default:
      return asked;
  }
}

/** The newest for 0, so that steps are about what is still going on; -1 is of none. */
export function placeIn(list: readonly unknown[], drawn: number): number {
  return drawn === -1 || list.length === 0 ? -1 : list.length - 1 - (drawn % list.length);
}
