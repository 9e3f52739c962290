import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ownerKey } from '../../src/events/catalog.ts';
import { evolve } from '../../src/events/evolve.ts';
import { readEventsAt } from '../../src/events/read.ts';
import { emptyState, type LedgerState } from '../../src/events/state.ts';
import { projectionNamed, projections } from '../../src/projections/catalog.ts';
import type { Projection } from '../../src/projections/projection.ts';
import { rebuild } from '../../src/projections/rebuild.ts';
import { walletBalances } from '../../src/projections/wallet-balances.ts';
import { writeRandomLog } from './random-log.ts';
import { openReadSide, type ReadSide, type Row } from './read-side.ts';

let side: ReadSide;
let head: bigint;
const incremental = new Map<string, Row[][]>();

before(async () => {
  side = await openReadSide();
  for (const seed of [11, 12]) {
    await writeRandomLog(side, { seed, histories: 2 });
    for (const projection of projections) await side.catchUp(projection);
  }
  head = await side.head();
  for (const projection of projections) incremental.set(projection.name, await side.contents(projection));
});

after(() => side.close());

function rebuildNow(projection: Projection): Promise<bigint> {
  return rebuild(side.pool, side.ledgerId, projection, () => undefined);
}

/** Loses a row of each table. */
async function spoil(projection: Projection): Promise<void> {
  for (const base of projection.tables) {
    const some = `select ctid from read.${base}_1 where ledger_id = $1 limit 1`;
    await side.rows(`delete from read.${base}_1 where ctid in (${some})`);
  }
}

async function statusOf(projection: Projection): Promise<Row | undefined> {
  const { body } = await side.service.get('/projections');
  return (body.data as Row[]).find(({ name }) => name === projection.name);
}

describe('A rebuild', () => {
  for (const projection of projections) {
    test(`of ${projection.name} gives the same rows as event after event did`, async () => {
      assert.equal(await rebuildNow(projection), head);
      assert.deepEqual(await side.contents(projection), incremental.get(projection.name));
      assert.equal(await side.checkpoint(projection), head);
    });

    test(`of ${projection.name} repairs what was spoiled`, async () => {
      await spoil(projection);
      assert.notDeepEqual(await side.contents(projection), incremental.get(projection.name));
      await rebuildNow(projection);
      assert.deepEqual(await side.contents(projection), incremental.get(projection.name));
    });
  }

  test('leaves the old rows to the queries until it is done', async () => {
    await spoil(walletBalances);
    const spoiled = await side.contents(walletBalances);
    let seen: Row[][] = [];
    await rebuildNow({
      ...walletBalances,
      async apply(tx, range) {
        await walletBalances.apply(tx, range);
        seen = await side.contents(walletBalances);
      },
    });
    assert.deepEqual(seen, spoiled);
    assert.deepEqual(await side.contents(walletBalances), incremental.get('wallet_balances'));
  });

  test('says how far it is', async () => {
    const seen: unknown[] = [];
    await rebuild(side.pool, side.ledgerId, walletBalances, (progress) => seen.push(progress));
    assert.deepEqual(seen, [{ projection: 'wallet_balances', position: head, head }]);
  });

  test('that fails leaves everything as it was', async () => {
    const failing: Projection = {
      ...walletBalances,
      async apply(tx, range) {
        await walletBalances.apply(tx, range);
        throw new Error('no room in the attic');
      },
    };
    await assert.rejects(rebuildNow(failing), /no room in the attic/);
    assert.deepEqual(await side.contents(walletBalances), incremental.get('wallet_balances'));
    assert.equal(await side.checkpoint(walletBalances), head);
  });

  test('brings an outdated read model to the version of the program, and forgets its failure', async () => {
    const outdated = `update read.checkpoints set version = 0, error = 'broken', failed_position = 1
      where ledger_id = $1 and projection = 'wallet_balances'`;
    await side.rows(outdated);
    assert.equal((await statusOf(walletBalances))?.['state'], 'failed');
    await side.rows(
      `update read.checkpoints set error = null where ledger_id = $1 and projection = 'wallet_balances'`,
    );
    assert.equal((await statusOf(walletBalances))?.['state'], 'outdated');
    await side.rows(outdated);
    await rebuildNow(walletBalances);
    const status = await statusOf(walletBalances);
    assert.deepEqual(
      [status?.['state'], status?.['version'], status?.['error']],
      ['live', walletBalances.version, null],
    );
  });

  test('and a pass at the same time count no event twice', async () => {
    for (const projection of projections) {
      await Promise.all([rebuildNow(projection), side.catchUp(projection), rebuildNow(projection)]);
      assert.deepEqual(await side.contents(projection), incremental.get(projection.name));
    }
  });
});

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
