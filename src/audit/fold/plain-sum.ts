/**
 * What the postings of an event do to balances and held amounts, read off its JSON with nothing of the service: no types, no
 * schemas, no fold. The auditor derives every balance a second time from it, because a fold cannot find its own mistake. Of usual events
 * the JSON is read by a pattern, which a test holds against JSON.parse.
 */

export type Change = {
  readonly walletId: string;
  /** Signed, in minor units. */
  readonly balance: bigint;
  readonly held: bigint;
};

/** The changes of one event, in the order in which it names them. Throws where the JSON is not what such an event holds. */
// oxlint-disable-next-line typescript/no-explicit-any -- what an event holds is taken as it is, without the catalog's word
export function changesOf(type: string, data: any): Change[] {
  if (type === 'transaction.posted') return postingChanges(data.postings);
  if (type === 'hold.placed') return [heldChange(data.hold, BigInt(data.hold.amount))];
  if (type === 'hold.released' || type === 'hold.expired')
    return [heldChange(data.hold, -BigInt(data.released))];
  if (type === 'hold.captured') {
    const [{ amount }] = data.postings;
    const before = BigInt(data.hold.amount) - BigInt(data.hold.captured) + BigInt(amount);
    const changes = postingChanges(data.postings);
    changes.push(heldChange(data.hold, BigInt(data.hold.remaining) - before));
    return changes;
  }
  return [];
}

// oxlint-disable-next-line typescript/no-explicit-any -- as above
function postingChanges(postings: readonly any[]): Change[] {
  const changes: Change[] = [];
  for (const { amount, from, to } of postings) {
    const moved = BigInt(amount);
    changes.push(
      { walletId: from.walletId, balance: -moved, held: 0n },
      { walletId: to.walletId, balance: moved, held: 0n },
    );
  }
  return changes;
}

// oxlint-disable-next-line typescript/no-explicit-any -- as above
function heldChange(hold: any, held: bigint): Change {
  return { walletId: hold.walletId, balance: 0n, held };
}
