/** What a comparison of two checkouts says of its rounds. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readOptions } from '../../bench/options.ts';
import { ratioFacts } from '../../bench/scenarios/against.ts';
import type { Figures } from '../../bench/scenarios/scenario.ts';
import { medianInterval } from '../../bench/statistics.ts';

const oneTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

test('the interval of a median is that of the tables of order statistics', () => {
  // 95 %: the first and last of 6 to 8, the second of 9 to 11, the third of 12 to 14, the sixth of 20.
  for (const [count, low] of [
    [6, 1],
    [8, 1],
    [9, 2],
    [11, 2],
    [12, 3],
    [20, 6],
  ] as const)
    assert.deepEqual(medianInterval(oneTo(count).toReversed(), 0.95), { low, high: count + 1 - low });
});

test('too few rounds say nothing of the median', () => {
  for (const count of [0, 1, 5]) assert.equal(medianInterval(oneTo(count), 0.95), undefined);
});

test('each round is compared with its own neighbour', () => {
  const rounds = (throughputs: number[], cpuMicros: number | null) =>
    throughputs.map((throughput) => ({ throughput, cpuMicros }) as unknown as Figures);
  const others = [100, 200, 300, 100, 100, 100];
  const facts = ratioFacts(rounds([96, 192, 288, 98, 97, 99], 206), rounds(others, 200));
  assert.deepEqual(
    facts.map(({ name, value }) => [name, Math.round(value * 10) / 10]),
    [
      ['against-median', 96.5],
      ['against-low', 96],
      ['against-high', 99],
      ['against-cpu-median', 103],
      ['against-cpu-low', 103],
      ['against-cpu-high', 103],
    ],
  );
  const elsewhere = ratioFacts(rounds(others, 206), rounds(others, null));
  assert.deepEqual(
    elsewhere.map(({ name }) => name),
    ['against-median', 'against-low', 'against-high'],
  );
});

test('another checkout is the only one to compare with, in many short rounds', () => {
  const options = readOptions(['--against', '../before']);
  assert.deepEqual(
    [options?.systems, options?.only, options?.rounds],
    [['other', 'coffer'], ['against'], 12],
  );
  assert.match(options?.against ?? '', /^\/.*before$/);
  assert.equal(readOptions(['--against', '../before', '--rounds', '20'])?.rounds, 20);
});
