/** Back to the generation of before, and the end of those that nobody needs any more. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { projectionNamed, projections } from '../../src/projections/catalog.ts';
import { requestRebuild } from '../../src/projections/rebuild/request.ts';
import { prune, requestRollback } from '../../src/projections/rebuild/rollback.ts';
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
let incremental: ReadonlyMap<string, Row[][]>;

before(async () => {
  ({ side, incremental } = await openProjectedLog());
  for (let round = 0; round < 2; round += 1) await rebuild(side, projections);
});

after(() => side.close());

describe('A rollback', () => {
  test('goes back to the generation of before, and forth again', async () => {
    const newer = await liveGeneration(side, walletBalances);
    const [first] = await requestRollback(side.pool, [walletBalances]);
    await stepUntilIdle(side);
    const older = await liveGeneration(side, walletBalances);
    assert.equal(older, first!.generation);
    assert.ok(older < newer);
    assert.deepEqual(await seen(side, walletBalances), incremental.get('wallet_balances'));
    await requestRollback(side.pool, [walletBalances]);
    await stepUntilIdle(side);
    assert.equal(await liveGeneration(side, walletBalances), newer);
  });

  test('catches up with what was written in between', async () => {
    await side.service.post('/users', { email: 'late@example.com' });
    for (const projection of projections) await side.catchUp(projection);
    const directory = projectionNamed('directory')!;
    const now = await seen(side, directory);
    const [requested] = await requestRollback(side.pool, [directory]);
    await stepUntilIdle(side);
    const [ended] = await outcomes(side, [requested!]);
    assert.deepEqual([ended?.state, ended?.differences], ['live', 0n]);
    assert.deepEqual(await seen(side, directory), now);
  });

  test('is refused where that generation is of another version than the program', async () => {
    const newer = { ...walletBalances, version: walletBalances.version + 1 };
    await assert.rejects(requestRollback(side.pool, [newer]), /is of version 1, this program of version 2/);
  });
});

describe('Pruning', () => {
  test('leaves the live generation and the shape, and nothing to go back to', async () => {
    const pruned = await prune(side.pool, projections, { underWay: false });
    assert.ok(pruned.length > projections.length);
    for (const projection of projections) {
      const live = await liveGeneration(side, projection);
      assert.deepEqual(
        await generationTables(side, projection),
        projection.tables.map((base) => `${base}_${live}`).sort(),
      );
    }
    assert.deepEqual(
      await side.rows('select from read.generations where state <> $2 and $1 > 0', ['live']),
      [],
    );
    assert.deepEqual(await side.rows('select from read.rebuild_differences where $1 > 0'), []);
    await assert.rejects(requestRollback(side.pool, projections), /has no generation to go back to/);
    assert.deepEqual(await prune(side.pool, projections, { underWay: false }), []);
  });
});

describe('A rebuild that nobody wants any more', () => {
  test('is ended by pruning what is under way, and only if that was asked for', async () => {
    const tables = await generationTables(side, walletBalances);
    const [requested] = await requestRebuild(side.pool, [walletBalances], { dryRun: false, partEvents: 50n });
    await step(side);
    assert.deepEqual(await prune(side.pool, [walletBalances], { underWay: false }), []);
    const [pruned] = await prune(side.pool, [walletBalances], { underWay: true });
    assert.equal(pruned?.generation, requested?.generation);
    assert.equal(await step(side), 'idle');
    assert.deepEqual(await generationTables(side, walletBalances), tables);
  });
});
