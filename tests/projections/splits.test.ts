/** A read model does not depend on how the log was cut into ranges, nor on how often a pass ran. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { currentVersion } from '../../src/events/catalog.ts';
import { projections } from '../../src/projections/catalog.ts';
import { countsByType, writeRandomLog } from './random-log.ts';
import { createGeneration, foldedBeside, openReadSide, type ReadSide, type Row } from './read-side.ts';

const BESIDE = 2;

let side: ReadSide;
let head: bigint;
const whole = new Map<string, Row[][]>();

before(async () => {
  side = await openReadSide();
  await writeRandomLog(side, { seed: 8, histories: 36 });
  head = await side.head();
  for (const projection of projections) {
    await createGeneration(side.pool, projection, BESIDE);
    await side.catchUp(projection);
    whole.set(projection.name, await side.contents(projection));
  }
});

after(() => side.close());

test('the log of these tests has every type of event', async () => {
  assert.deepEqual([...(await countsByType(side)).keys()].sort(), Object.keys(currentVersion).sort());
  assert.ok(head > 150n, `${head} events`);
});

for (const projection of projections) {
  describe(`The read model ${projection.name}`, () => {
    test('has rows in each of its tables', () => {
      const tables = whole.get(projection.name) ?? [];
      assert.equal(tables.length, projection.tables.length);
      for (const rows of tables) assert.ok(rows.length > 1);
    });

    test('is the same for all ways to cut the log', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(fc.bigInt(0n, head), { maxLength: 8 }), async (cuts) => {
          const bounds = [...cuts.toSorted((a, b) => Number(a - b)), head];
          const folded = await foldedBeside(side, projection, { generation: BESIDE, bounds });
          assert.deepEqual(folded, whole.get(projection.name));
        }),
        { numRuns: 25 },
      );
    });

    test('is the same event by event', async () => {
      const bounds = Array.from({ length: Number(head) }, (_, index) => BigInt(index + 1));
      const folded = await foldedBeside(side, projection, { generation: BESIDE, bounds });
      assert.deepEqual(folded, whole.get(projection.name));
    });

    test('is left as it is by another pass', async () => {
      assert.equal(await side.catchUp(projection), 0n);
      assert.deepEqual(await side.contents(projection), whole.get(projection.name));
      assert.equal(await side.checkpoint(projection), head);
    });

    test('counts each event once when passes run at the same time', async () => {
      for (const base of projection.tables)
        await side.rows(`delete from read.${base}_1 where ledger_id = $1`);
      await side.rows('update read.checkpoints set position = 0 where ledger_id = $1 and projection = $2', [
        projection.name,
      ]);
      const passes = await Promise.all([1, 2, 3].map(() => side.catchUp(projection)));
      assert.deepEqual(new Set(passes), new Set([0n, head]));
      assert.equal(
        passes.reduce((sum, applied) => sum + applied, 0n),
        head,
      );
      assert.deepEqual(await side.contents(projection), whole.get(projection.name));
      assert.equal(await side.checkpoint(projection), head);
    });
  });
}
