/** Tasks are shared among hands, and what comes of them is told in their order. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTaskRunner } from '../../src/audit/threads/task-runner.ts';
import { double } from './doubling.ts';

const module = new URL('./doubling-thread.ts', import.meta.url);

async function* tasksOf(tasks: readonly number[], onGiven: (task: number) => void): AsyncGenerator<number> {
  for (const task of tasks) {
    onGiven(task);
    yield task;
  }
}

for (const threads of [1, 2, 3]) {
  test(`results come in the order of their tasks: ${threads} hands`, async (t) => {
    let progress = 0n;
    const given: number[] = [];
    const results: number[] = [];
    let mostAhead = 0;
    const runner = createTaskRunner<number, number>({
      ...{ threads, module, workerData: null, serve: double },
      onProgress: (more) => (progress += more),
    });
    t.after(() => runner.close());
    const tasks = Array.from({ length: 17 }, (_, task) => task);
    const onGiven = (task: number): void => {
      given.push(task);
      mostAhead = Math.max(mostAhead, given.length - results.length);
    };
    await runner.run(tasksOf(tasks, onGiven), (result) => void results.push(result));
    assert.deepEqual(given, tasks);
    assert.deepEqual(
      results,
      tasks.map((task) => 2 * task),
    );
    assert.equal(progress, 17n);
    // A task is not begun before what came of those long before it was read.
    assert.ok(mostAhead <= threads * 2 + 1, `${mostAhead} ahead`);
  });

  test(`the first error ends it: ${threads} hands`, async (t) => {
    const given: number[] = [];
    const results: number[] = [];
    const runner = createTaskRunner<number, number>({
      ...{ threads, module, workerData: null, serve: double, onProgress: () => undefined },
    });
    t.after(() => runner.close());
    const tasks = [1, 2, -3, ...Array.from({ length: 40 }, (_, task) => task)];
    const running = runner.run(
      tasksOf(tasks, (task) => void given.push(task)),
      (result) => void results.push(result),
    );
    await assert.rejects(running, /no -3/);
    assert.deepEqual(results, [2, 4]);
    assert.ok(given.length < tasks.length, `${given.length} were given`);
  });

  test(`an error of who reads the results ends it: ${threads} hands`, async (t) => {
    const given: number[] = [];
    const runner = createTaskRunner<number, number>({
      ...{ threads, module, workerData: null, serve: double, onProgress: () => undefined },
    });
    t.after(() => runner.close());
    const tasks = Array.from({ length: 40 }, (_, task) => task);
    const running = runner.run(
      tasksOf(tasks, (task) => void given.push(task)),
      (result) => {
        if (result === 4) throw new Error('not four');
      },
    );
    await assert.rejects(running, /not four/);
    assert.ok(given.length < tasks.length, `${given.length} were given`);
  });
}
