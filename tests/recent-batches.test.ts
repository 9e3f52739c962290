import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRecentBatches } from '../src/recent-batches.ts';

test('figures are of the sixty whole seconds before now', () => {
  let nowMs = 5_000;
  const recent = createRecentBatches(() => nowMs);
  const nothing = { perSecond: 0, commandsPerSecond: 0, meanCommands: 0, p50Ms: null, p99Ms: null };
  assert.deepEqual(recent.figures(), nothing);
  for (let batch = 0; batch < 30; batch += 1) recent.add({ commands: 4, durationMs: 2 });
  assert.deepEqual(recent.figures(), nothing, 'the second under way does not count');
  nowMs = 6_000;
  assert.deepEqual(recent.figures(), {
    ...{ perSecond: 0.5, commandsPerSecond: 2, meanCommands: 4 },
    ...{ p50Ms: 2, p99Ms: 2 },
  });
  nowMs = 65_999;
  assert.equal(recent.figures().perSecond, 0.5);
  nowMs = 66_000;
  assert.deepEqual(recent.figures(), nothing);
  recent.add({ commands: 6, durationMs: 8 });
  nowMs = 67_000;
  assert.equal(recent.figures().meanCommands, 6, 'a second that comes round again begins anew');
});

test('percentiles are at most a fifth above what they are of', () => {
  let nowMs = 0;
  const recent = createRecentBatches(() => nowMs);
  for (let ms = 1; ms <= 1_000; ms += 1) recent.add({ commands: 1, durationMs: ms });
  recent.add({ commands: 1, durationMs: 0 });
  nowMs = 1_000;
  const { p50Ms, p99Ms } = recent.figures();
  assert.ok(p50Ms !== null && p50Ms >= 500 && p50Ms < 600, `${p50Ms}`);
  assert.ok(p99Ms !== null && p99Ms >= 990 && p99Ms < 1_190, `${p99Ms}`);
});
