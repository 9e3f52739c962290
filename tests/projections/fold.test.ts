/** The read models against a fold of the same log by the rules of the events. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ownerKey } from '../../src/events/catalog.ts';
import { evolve } from '../../src/events/evolve.ts';
import { readEventsAt } from '../../src/events/read.ts';
import { emptyState, type LedgerState } from '../../src/events/state.ts';
import { projectionNamed } from '../../src/projections/catalog.ts';
import type { ReadSide, Row } from './read-side.ts';
import { openProjectedLog } from './rebuilding.ts';

let side: ReadSide;
let head: bigint;
let incremental: ReadonlyMap<string, Row[][]>;

before(async () => {
  ({ side, incremental } = await openProjectedLog());
  head = await side.head();
});

after(() => side.close());

describe('The read models', () => {
  let state: LedgerState;

  before(async () => {
    const positions = Array.from({ length: Number(head) }, (_, index) => BigInt(index + 1));
    const events = await readEventsAt(side.pool, side.ledgerId, positions);
    assert.equal(BigInt(events.length), head);
    state = emptyState();
    for (const { personal: _, ...event } of events) evolve(state, event);
  });

  test('have, wallet by wallet, what a fold of the log with evolve gives', () => {
    const [rows] = incremental.get('wallet_balances')!;
    const folded = [...state.wallets.values()].map(({ id, owner, assetId, balance, held }) => {
      return {
        wallet_id: id,
        owner: ownerKey(owner),
        is_system: 'system' in owner,
        asset_id: assetId,
        balance,
        held,
      };
    });
    assert.ok(folded.length > 5);
    const shown = rows!.map(({ ledger_id: _, position: _position, ...row }) => row);
    assert.deepEqual(
      shown,
      folded.toSorted((a, b) => (a.wallet_id < b.wallet_id ? -1 : 1)),
    );
  });

  test('have the users, assets and wallets of the fold, each with its status', () => {
    const [users, assets, wallets] = incremental.get(projectionNamed('directory')!.name)!;
    assert.deepEqual(
      new Map(users!.map((row) => [row['id'], row['status']])),
      statuses(state.users.values()),
    );
    assert.deepEqual(
      new Map(wallets!.map((row) => [row['id'], row['status']])),
      statuses(state.wallets.values()),
    );
    assert.deepEqual(
      new Map(assets!.map((row) => [row['id'], row['status']])),
      statuses(state.assets.values()),
    );
    const caps = new Map(assets!.map((row) => [row['slug'], row['supply_cap']]));
    assert.deepEqual(
      caps,
      new Map([...state.assets.values()].map(({ slug, supplyCap }) => [slug, supplyCap])),
    );
  });

  function statuses(records: Iterable<{ id: string; status: string }>): Map<string, string> {
    return new Map([...records].map(({ id, status }) => [id, status]));
  }
});
