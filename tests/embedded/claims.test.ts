import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type TestContext, test } from 'node:test';
import { openClaims } from '../../src/db/embedded/claims.ts';
import { createDeadline } from '../../src/db/embedded/deadline.ts';
import { findProcess, isRunning, ownIdentity } from '../../src/db/embedded/process-identity.ts';

async function makeDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'coffer-claims-'));
  t.after(() => rm(directory, { recursive: true }));
  return directory;
}

test('a process is known by its start time too, so a pid used again is another process', () => {
  const own = ownIdentity();
  assert.equal(isRunning(own), true);
  assert.equal(isRunning({ ...own, started: 'another-time' }), false);
  for (const pid of [0, -1, Number.NaN, 2 ** 30]) assert.equal(findProcess(pid), undefined);
});

test('claims of dead processes are cleared away, those of living ones and other files stay', async (t) => {
  const directory = await makeDirectory(t);
  const claims = await openClaims(directory);
  const mine = await claims.add('serve');
  const reused = `serve.${process.pid}.an-earlier-start.00000000`;
  await writeFile(join(directory, 'processes', reused), '');
  await writeFile(join(directory, 'processes', 'lock.999999999.x.00000000'), '');
  await writeFile(join(directory, 'processes', 'notes'), '');

  assert.deepEqual(await claims.living(), [mine]);
  assert.deepEqual((await readdir(join(directory, 'processes'))).toSorted(), ['notes', mine.name]);
  await claims.remove(mine);
  await claims.remove(mine);
  assert.deepEqual(await claims.living(), []);
});

test('only one at a time is inside, whoever else fails', async (t) => {
  const directory = await makeDirectory(t);
  let inside = 0;
  let runs = 0;
  const enter = async (number: number) => {
    const claims = await openClaims(directory);
    await claims.exclusively(createDeadline(20_000), async () => {
      inside += 1;
      assert.equal(inside, 1);
      for (let turn = 0; turn < 20; turn += 1) await nextTurn();
      inside -= 1;
      runs += 1;
      if (number % 3 === 0) throw new Error('failed inside');
    });
  };
  const results = await Promise.allSettled(Array.from({ length: 9 }, (_, number) => enter(number)));
  assert.equal(runs, 9);
  assert.equal(results.filter(({ status }) => status === 'rejected').length, 3);
  assert.deepEqual(await readdir(join(directory, 'processes')), []);
});

test('waiting for the other is bounded', async (t) => {
  const directory = await makeDirectory(t);
  const claims = await openClaims(directory);
  await claims.exclusively(createDeadline(5000), async () => {
    const second = claims.exclusively(createDeadline(50), () => Promise.resolve());
    await assert.rejects(second, /gave up after 50 ms: another process starts or stops the database/);
  });
});
