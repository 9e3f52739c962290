/** The queue alone: `runBatch` is a parameter, here one that notes what it is given and waits to be let go. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createCommandQueue, type CommandQueue, type CommandQueueOptions } from '../../src/commands/queue.ts';
import { OperationalError } from '../../src/errors.ts';
import { answerTo, heldRunner, keyOf, keysOf, request, within } from './held-runner.ts';

function queueWith(
  runBatch: CommandQueueOptions['runBatch'],
  options: Partial<CommandQueueOptions> = {},
): CommandQueue {
  return createCommandQueue({ runBatch, maxQueued: 100, maxBatch: 10, maxWaitMs: 60_000, ...options });
}

function submitAll(queue: CommandQueue, keys: readonly string[]): Promise<unknown[]> {
  return Promise.all(
    keys.map(async (key) => {
      const { outcome } = await queue.submit(request(key));
      return outcome.kind === 'accepted' ? outcome.body['key'] : outcome.kind;
    }),
  );
}

describe('The queue', () => {
  test('runs commands that came together as one batch, in their order, and answers each', async () => {
    const runner = heldRunner();
    const queue = queueWith(runner.runBatch);
    const answers = submitAll(queue, ['a', 'b', 'c']);
    await runner.untilBegun(1);
    runner.letGo();
    assert.deepEqual(await within(answers), ['a', 'b', 'c']);
    assert.deepEqual(runner.batches, [['a', 'b', 'c']]);
    await queue.close();
  });

  test('gathers the next batch while one runs, and never runs two at a time', async () => {
    const runner = heldRunner();
    const queue = queueWith(runner.runBatch);
    const first = submitAll(queue, ['a']);
    await runner.untilBegun(1);
    const second = submitAll(queue, ['b', 'c']);
    const third = submitAll(queue, ['d']);
    assert.equal(queue.depth(), 3);
    runner.letGo();
    await within(first);
    await runner.untilBegun(2);
    assert.equal(queue.depth(), 0);
    runner.letGo();
    await within(Promise.all([second, third]));
    assert.deepEqual(runner.batches, [['a'], ['b', 'c', 'd']]);
    assert.equal(runner.mostRunning(), 1);
    await queue.close();
  });

  test('starts again after it was idle', async () => {
    const runner = heldRunner();
    const queue = queueWith(runner.runBatch);
    for (const [index, key] of ['a', 'b'].entries()) {
      const answer = submitAll(queue, [key]);
      await runner.untilBegun(index + 1);
      runner.letGo();
      assert.deepEqual(await within(answer), [key]);
    }
    assert.deepEqual(runner.batches, [['a'], ['b']]);
    await queue.close();
  });

  test('counts what a schedule has of postings, so that what falls due together does not become one vast batch', async () => {
    const seen: number[] = [];
    const queue = queueWith(
      async (submissions) => {
        seen.push(submissions.length);
        for (const submission of submissions) submission.settle(answerTo(submission));
      },
      { maxBatch: 100 },
    );
    const runs = [90, 11, 89, 1].map((postings) => {
      const command = { kind: 'schedule.run', scheduleId: '', postings } as const;
      return queue.submit({ ...request('a'), command });
    });
    await within(Promise.all(runs));
    assert.deepEqual(seen, [1, 2, 1]);
    await queue.close();
  });

  test('cuts what waits into batches of at most maxBatch and keeps the order', async () => {
    const seen: string[][] = [];
    const queue = queueWith(
      async (submissions) => {
        seen.push(keysOf(submissions));
        for (const submission of submissions) submission.settle(answerTo(submission));
      },
      { maxBatch: 3 },
    );
    const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    assert.deepEqual(await within(submitAll(queue, keys)), keys);
    assert.deepEqual(seen, [
      ['a', 'b', 'c'],
      ['d', 'e', 'f'],
      ['g', 'h'],
    ]);
    await queue.close();
  });

  test('passes on a failure to its own caller only', async () => {
    const broken = new Error('broken');
    const queue = queueWith(async (submissions) => {
      for (const submission of submissions) {
        if (keyOf(submission) === 'bad') submission.fail(broken);
        else submission.settle(answerTo(submission));
      }
    });
    const [good, bad] = await within(
      Promise.allSettled(['good', 'bad'].map((key) => queue.submit(request(key)))),
    );
    assert.equal(good?.status, 'fulfilled');
    assert.deepEqual(bad, { status: 'rejected', reason: broken });
    await queue.close();
  });
});

describe('Under load', () => {
  const keysFrom = (first: number, count: number): string[] =>
    Array.from({ length: count }, (_, index) => `${first + index}`);
  const roomy = { maxQueued: 1_000, maxBatch: 100 };

  test('the next batch leaves once the one before it is on its way and as many wait, and no third one', async () => {
    const runner = heldRunner();
    const queue = queueWith(runner.runBatch, roomy);
    const first = submitAll(queue, keysFrom(0, 80));
    await runner.untilBegun(1);
    const second = submitAll(queue, keysFrom(80, 100));
    assert.equal(runner.batches.length, 1, 'it has not left yet');
    runner.turns[0]!.departed();
    assert.equal(runner.batches.length, 2);
    runner.turns[1]!.departed();
    const third = submitAll(queue, keysFrom(180, 100));
    assert.deepEqual([runner.batches.length, queue.depth()], [2, 100]);
    runner.letGo();
    assert.deepEqual(await within(first), keysFrom(0, 80));
    await runner.untilBegun(3);
    runner.letGo();
    runner.letGo();
    assert.deepEqual(await within(second), keysFrom(80, 100));
    assert.deepEqual(await within(third), keysFrom(180, 100));
    assert.deepEqual(
      runner.batches.map(({ length }) => length),
      [80, 100, 100],
    );
    assert.equal(runner.mostRunning(), 2);
    await queue.close();
  });

  test('fewer wait for the batch before them, and so do fewer than it has', async () => {
    const runner = heldRunner();
    const queue = queueWith(runner.runBatch, roomy);
    const first = submitAll(queue, ['a']);
    await runner.untilBegun(1);
    runner.turns[0]!.departed();
    const few = submitAll(queue, keysFrom(0, 63));
    assert.equal(runner.batches.length, 1);
    runner.letGo();
    await within(first);
    await runner.untilBegun(2);
    runner.letGo();
    await within(few);
    const many = submitAll(queue, keysFrom(0, 80));
    await runner.untilBegun(3);
    runner.turns[2]!.departed();
    const fewer = submitAll(queue, keysFrom(80, 79));
    assert.deepEqual([runner.batches.length, queue.depth()], [3, 79]);
    const enough = submitAll(queue, ['z']);
    assert.deepEqual(
      runner.batches.map(({ length }) => length),
      [1, 63, 80, 80],
    );
    runner.letGo();
    runner.letGo();
    await within(Promise.all([many, fewer, enough]));
    await queue.close();
  });

  test('a batch knows when the one before it has ended', async () => {
    const runner = heldRunner();
    const queue = queueWith(runner.runBatch, roomy);
    const first = submitAll(queue, ['a']);
    await runner.untilBegun(1);
    assert.equal(runner.turns[0]!.before, null);
    runner.turns[0]!.departed();
    const second = submitAll(queue, keysFrom(0, 64));
    let ended = false;
    const before = runner.turns[1]!.before!.then(() => (ended = true));
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(ended, false);
    runner.letGo();
    await within(Promise.all([first, before]));
    runner.letGo();
    await within(second);
    await queue.close();
  });

  test('who still waits at the end is told so, whichever of the two it was in', async () => {
    const runner = heldRunner();
    const queue = queueWith(runner.runBatch, roomy);
    const first = submitAll(queue, ['a']);
    await runner.untilBegun(1);
    runner.turns[0]!.departed();
    const second = submitAll(queue, keysFrom(0, 64));
    const waiting = submitAll(queue, ['z']);
    queue.abandon();
    await within(assert.rejects(first, isOperational('outcome_unknown')));
    await within(assert.rejects(second, isOperational('outcome_unknown')));
    await within(assert.rejects(waiting, isOperational('shutting_down')));
    await within(queue.close());
  });
});

describe('The bounds of the queue', () => {
  test('one command more than maxQueued is refused; those that run do not count', async () => {
    const runner = heldRunner();
    const queue = queueWith(runner.runBatch, { maxQueued: 2 });
    const running = submitAll(queue, ['a']);
    await runner.untilBegun(1);
    const waiting = submitAll(queue, ['b', 'c']);
    await assert.rejects(queue.submit(request('d')), isOperational('overloaded'));
    assert.equal(queue.depth(), 2);
    runner.letGo();
    await within(running);
    await runner.untilBegun(2);
    const later = submitAll(queue, ['e']);
    runner.letGo();
    assert.deepEqual(await within(waiting), ['b', 'c']);
    await runner.untilBegun(3);
    runner.letGo();
    assert.deepEqual(await within(later), ['e']);
    assert.deepEqual(runner.batches, [['a'], ['b', 'c'], ['e']]);
    await queue.close();
  });

  test('a command that waited for maxWaitMs is refused without having run; the running one is not', async () => {
    const runner = heldRunner();
    const queue = queueWith(runner.runBatch, { maxWaitMs: 20 });
    const running = submitAll(queue, ['a']);
    await runner.untilBegun(1);
    const stale = queue.submit(request('b'));
    await within(assert.rejects(stale, isOperational('database_unavailable')));
    assert.equal(queue.depth(), 0);
    runner.letGo();
    assert.deepEqual(await within(running), ['a']);
    await within(queue.close());
    assert.deepEqual(runner.batches, [['a']]);
  });
});

test('those of one request grow stale together: what comes later is not done without what came before it', async (t) => {
  let clock = 1_000;
  let stopped: number | null = null;
  t.mock.method(performance, 'now', () => stopped ?? clock++);
  const runner = heldRunner();
  const queue = queueWith(runner.runBatch, { maxBatch: 1, maxWaitMs: 20 });
  const running = submitAll(queue, ['a']);
  await runner.untilBegun(1);
  const next = clock;
  const waiting = queue.submitEach([request('b'), request('c')]);
  // The patience with whoever asked for the time first, and with nobody after it.
  stopped = next + 20;
  const codes = (await within(waiting)).map(
    (one) => 'failed' in one && (one.failed as OperationalError).code,
  );
  assert.deepEqual(codes, ['database_unavailable', 'database_unavailable']);
  runner.letGo();
  assert.deepEqual(await within(running), ['a']);
  await within(queue.close());
  assert.deepEqual(runner.batches, [['a']]);
});

describe('Closing the queue', () => {
  test('refuses what comes, finishes what was taken, and only then resolves', async () => {
    const runner = heldRunner();
    const queue = queueWith(runner.runBatch, { maxBatch: 1 });
    const taken = submitAll(queue, ['a', 'b']);
    await runner.untilBegun(1);
    let closed = false;
    const closing = queue.close().then(() => {
      closed = true;
    });
    await assert.rejects(queue.submit(request('c')), isOperational('shutting_down'));
    runner.letGo();
    await runner.untilBegun(2);
    assert.equal(closed, false);
    runner.letGo();
    assert.deepEqual(await within(taken), ['a', 'b']);
    await within(closing);
    assert.deepEqual(runner.batches, [['a'], ['b']]);
  });

  test('takes no time when nothing is there, and may be done twice', async () => {
    const queue = queueWith(() => Promise.reject(new Error('nothing to run')));
    await within(queue.close());
    await within(queue.close());
    await assert.rejects(queue.submit(request('a')), isOperational('shutting_down'));
  });
});

function isOperational(code: OperationalError['code']): (error: unknown) => boolean {
  return (error) => error instanceof OperationalError && error.code === code && error.retryAfterSeconds >= 1;
}
