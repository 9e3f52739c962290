/** The next generation beside the live one, up to the swap: step by step, on a log with every kind of event. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { projections } from '../../src/projections/catalog.ts';
import type { Projection } from '../../src/projections/projection.ts';
import { readDifferences } from '../../src/projections/rebuild/progress.ts';
import { requestRebuild } from '../../src/projections/rebuild/request.ts';
import { requestRollback } from '../../src/projections/rebuild/rollback.ts';
import { walletBalances } from '../../src/projections/wallet-balances.ts';
import type { ReadSide, Row } from './read-side.ts';
import {
  generationTables,
  liveGeneration,
  openProjectedLog,
  outcomes,
  rebuild,
  seen,
  step,
  stepUntilIdle,
} from './rebuilding.ts';

let side: ReadSide;
let head: bigint;
let incremental: ReadonlyMap<string, Row[][]>;

before(async () => {
  ({ side, incremental } = await openProjectedLog());
  head = await side.head();
});

after(() => side.close());

/** Loses a row of each table that queries see. */
async function spoil(projection: Projection): Promise<void> {
  const generation = await liveGeneration(side, projection);
  for (const base of projection.tables) {
    const table = `read.${base}_${generation}`;
    await side.rows(
      `delete from ${table} where ctid in (select ctid from ${table} where ledger_id = $1 limit 1)`,
    );
  }
}

/** As text: JSON.parse would round it. */
function balanceIn(row: string | null): string | null {
  return row === null ? null : (/"balance": (-?\d+)/.exec(row)?.[1] ?? null);
}

async function statusOf(projection: Projection): Promise<Row> {
  const { body } = await side.service.get('/projections');
  return (body.data as Row[]).find(({ name }) => name === projection.name)!;
}

describe('A rebuild', () => {
  for (const projection of projections) {
    test(`of ${projection.name} gives the same rows as event after event did, and says so`, async () => {
      const generation = await liveGeneration(side, projection);
      const [ended] = await rebuild(side, [projection]);
      assert.equal(ended?.state, 'live', ended?.error ?? '');
      assert.equal(ended.generation, generation + 1);
      assert.equal(await liveGeneration(side, projection), generation + 1);
      assert.equal(ended.differences, 0n);
      const rows = incremental.get(projection.name)!;
      assert.equal(ended.comparedRows, BigInt(rows.flat().length));
      assert.ok(ended.parts > 1 && ended.partsDone === ended.parts);
      assert.deepEqual(await seen(side, projection), rows);
      assert.equal(await side.checkpoint(projection), head);
    });

    test(`of ${projection.name} finds what was spoiled, saves the difference, and heals it by the swap`, async () => {
      await spoil(projection);
      assert.notDeepEqual(await seen(side, projection), incremental.get(projection.name));
      const [ended] = await rebuild(side, [projection]);
      assert.equal(ended?.differences, BigInt(projection.tables.length));
      const saved = await readDifferences(side.pool, ended, 10);
      assert.deepEqual(
        saved.map(({ table }) => table),
        projection.tables,
      );
      for (const { key, live, rebuilt } of saved) {
        assert.equal(live, null);
        assert.ok(rebuilt !== null);
        for (const [name, value] of Object.entries(JSON.parse(key)))
          assert.deepEqual(JSON.parse(rebuilt)[name], value);
      }
      assert.deepEqual(await seen(side, projection), incremental.get(projection.name));
    });
  }

  test('finds a balance that is wrong, and a row too many', async () => {
    const generation = await liveGeneration(side, walletBalances);
    const [wrong] = await side.rows(
      `update read.wallet_balances_${generation} b set balance = balance + 1
        where wallet_id = (select min(wallet_id::text)::uuid from read.wallet_balances_${generation} where ledger_id = $1)
        returning wallet_id, balance::text as balance`,
    );
    const [added] = await side.rows(
      `insert into read.wallet_balances_${generation} values ($1, gen_random_uuid(), 'x', true, gen_random_uuid(), 0, 0, 0)
        returning wallet_id`,
    );
    const [ended] = await rebuild(side, [walletBalances]);
    assert.equal(ended?.differences, 2n);
    const saved = (await readDifferences(side.pool, ended, 10)).map(({ key, live, rebuilt }) => ({
      wallet: JSON.parse(key)['wallet_id'],
      live: balanceIn(live),
      rebuilt: balanceIn(rebuilt),
    }));
    const right = (BigInt(wrong!['balance']) - 1n).toString();
    assert.deepEqual(
      saved.toSorted((a) => (a.wallet === wrong!['wallet_id'] ? -1 : 1)),
      [
        { wallet: wrong!['wallet_id'], live: wrong!['balance'], rebuilt: right },
        { wallet: added!['wallet_id'], live: '0', rebuilt: null },
      ],
    );
    assert.deepEqual(await seen(side, walletBalances), incremental.get('wallet_balances'));
  });

  test('leaves the old rows to the queries until the swap, and shows how far it is', async () => {
    await spoil(walletBalances);
    const spoiled = await seen(side, walletBalances);
    assert.equal((await statusOf(walletBalances))['rebuild'], null);
    const [requested] = await requestRebuild(side.pool, [walletBalances], { dryRun: false, partEvents: 50n });
    const states: string[] = [];
    for (let left = 100; left > 0 && (await step(side)) !== 'idle'; left -= 1) {
      const status = await statusOf(walletBalances);
      assert.equal(status['position'], head.toString());
      if (status['rebuild'] === null) break;
      const { state, generation, parts, partsDone } = status['rebuild'];
      if (states.at(-1) !== state) states.push(state);
      assert.equal(generation, requested!.generation);
      assert.equal(parts, Number((head + 49n) / 50n));
      assert.ok(partsDone > 0 && (state === 'building' || partsDone === parts));
      assert.deepEqual(await seen(side, walletBalances), spoiled);
    }
    assert.deepEqual(states, ['building', 'catching_up', 'following']);
    assert.deepEqual(await seen(side, walletBalances), incremental.get('wallet_balances'));
  });

  test('has the indexes, keys and fill factors of the shape, under names of its own', async () => {
    await rebuild(side, projections);
    const facts = `
select regexp_replace(pg_get_indexdef(i.indexrelid), '^CREATE (UNIQUE )?INDEX \\S+ ON \\S+', '\\1') as definition,
       i.indisprimary, c.reloptions
  from pg_index i join pg_class c on c.oid = i.indrelid
 where i.indrelid = $2::text::regclass and $1::integer > 0 order by 1, 2`;
    for (const projection of projections) {
      const generation = await liveGeneration(side, projection);
      for (const base of projection.tables) {
        const made = await side.rows(facts, [`read.${base}_${generation}`]);
        assert.deepEqual(made, await side.rows(facts, [`read.${base}_0`]));
        assert.ok(made.length > 0);
      }
    }
  });

  test('does without a way to build of its own: the log is applied range after range', async () => {
    const { build: _, ...plain } = walletBalances;
    const [ended] = await rebuild(side, [plain]);
    assert.deepEqual([ended?.state, ended?.parts, ended?.differences], ['live', 0, 0n]);
    assert.deepEqual(await seen(side, walletBalances), incremental.get('wallet_balances'));
  });

  test('that fails again and again is given up, and leaves everything as it was', async () => {
    const generation = await liveGeneration(side, walletBalances);
    const failing: Projection = {
      ...walletBalances,
      build: { part: () => Promise.reject(new Error('no room in the attic')) },
    };
    const [ended] = await rebuild(side, [failing]);
    assert.deepEqual([ended?.state, ended?.error], ['abandoned', 'no room in the attic']);
    assert.equal(await liveGeneration(side, walletBalances), generation);
    assert.deepEqual(await seen(side, walletBalances), incremental.get('wallet_balances'));
  });

  test('as a dry run reports, and leaves nothing behind', async () => {
    await spoil(walletBalances);
    const spoiled = await seen(side, walletBalances);
    const tables = await generationTables(side, walletBalances);
    const [ended] = await rebuild(side, [walletBalances], { dryRun: true });
    assert.deepEqual([ended?.state, ended?.differences], ['dropped', 1n]);
    assert.deepEqual(await seen(side, walletBalances), spoiled);
    assert.deepEqual(await generationTables(side, walletBalances), tables);
    const left = `select from read.checkpoints where ledger_id = $1 and projection = $2 and generation = $3`;
    assert.equal((await side.rows(left, ['wallet_balances', ended!.generation])).length, 0);
    await rebuild(side, [walletBalances]);
    assert.deepEqual(await seen(side, walletBalances), incremental.get('wallet_balances'));
  });

  test('brings an outdated read model to the version of the program, and forgets its failure', async () => {
    const ago = `update read.checkpoints set version = 0, error = 'broken', failed_position = 1
      where ledger_id = $1 and projection = 'wallet_balances' and live`;
    await side.rows(ago);
    assert.equal((await statusOf(walletBalances))['state'], 'failed');
    const [ended] = await rebuild(side, [walletBalances]);
    assert.equal(ended?.differences, null, 'another version has nothing to say');
    const { state, version, error } = await statusOf(walletBalances);
    assert.deepEqual([state, version, error], ['live', walletBalances.version, null]);
  });

  test('replaces a live one that stands still', async () => {
    const stuck = `update read.checkpoints set position = 3, error = 'stuck' where ledger_id = $1
      and projection = 'wallet_balances' and live`;
    await side.rows(stuck);
    const generation = await liveGeneration(side, walletBalances);
    await side.rows(`delete from read.wallet_balances_${generation} where ledger_id = $1`);
    const [ended] = await rebuild(side, [walletBalances]);
    assert.equal(ended?.state, 'live');
    assert.deepEqual(await seen(side, walletBalances), incremental.get('wallet_balances'));
    assert.equal(await side.checkpoint(walletBalances), head);
  });
});

describe('Rebuilds at the same time', () => {
  test('of the same projection are one: who comes second joins', async () => {
    const asked = await Promise.all(
      [1, 2, 3].map(() => requestRebuild(side.pool, [walletBalances], { dryRun: false, partEvents: 20n })),
    );
    const each = asked.flat();
    assert.equal(new Set(each.map(({ generation }) => generation)).size, 1);
    assert.equal(each.filter(({ joined }) => !joined).length, 1);
    await assert.rejects(
      requestRebuild(side.pool, [walletBalances], { dryRun: true }),
      /^RebuildUnderWayError: Generation \d+ of wallet_balances is under way for another purpose/,
    );
    await assert.rejects(requestRollback(side.pool, [walletBalances]), /is under way/);
    await stepUntilIdle(side);
  });

  test('are worked on by many hands, and each part is filled once', async () => {
    const filled: string[] = [];
    const noting = projections.map((projection) => ({
      ...projection,
      build: {
        ...projection.build!,
        part: async (...[tx, part]: Parameters<NonNullable<Projection['build']>['part']>) => {
          filled.push(`${projection.name} ${part.from}`);
          await projection.build!.part(tx, part);
        },
      },
    }));
    const requested = await requestRebuild(side.pool, noting, { dryRun: false, partEvents: 25n });
    await Promise.all([1, 2, 3].map(() => stepUntilIdle(side, noting)));
    const ended = await outcomes(side, requested);
    assert.ok(ended.every(({ state, differences }) => state === 'live' && differences === 0n));
    assert.equal(new Set(filled).size, filled.length);
    assert.equal(
      filled.length,
      ended.reduce((sum, { parts }) => sum + parts, 0),
    );
    for (const projection of projections)
      assert.deepEqual(await seen(side, projection), incremental.get(projection.name));
  });
});
