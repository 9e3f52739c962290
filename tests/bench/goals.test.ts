/** How figures of a run are held against the goals. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge } from '../../bench/goals.ts';
import { BARE_WRITE } from '../../bench/limits/bare-writer.ts';
import { NO_OP } from '../../bench/limits/no-op-fastify.ts';
import type { Results } from '../../bench/outcomes.ts';
import { MANY_A_REQUEST, ONE_A_REQUEST } from '../../bench/scenarios/limits.ts';
import { LONG_READS } from '../../bench/scenarios/long-reads.ts';
import { NO_FIGURES, type Row, type ScenarioResult } from '../../bench/scenarios/scenario.ts';

function row(system: string, throughputs: number[], more: Partial<Row> = {}): Row {
  const rounds = throughputs.map((throughput) => ({ ...NO_FIGURES, throughput, ...more }));
  return { ...NO_FIGURES, throughput: 0, system, rounds };
}

function verdicts(scenario: string, result: Partial<ScenarioResult>): Map<string, string> {
  const results: Results = new Map([[scenario, { rows: [], facts: [], ...result }]]);
  const outcomes = judge({ results, cofferMemory: undefined });
  return new Map(
    outcomes.flatMap(({ goal, measured, reached }) =>
      measured === null ? [] : [[goal, `${measured}: ${reached ? 'reached' : 'missed'}`]],
    ),
  );
}

test('single commands are held against the lower of their two limits, round by round', () => {
  const found = verdicts('limits', {
    rows: [
      row(ONE_A_REQUEST, [100, 100, 100]),
      row(MANY_A_REQUEST, [160, 160, 160]),
      row(NO_OP, [150, 400, 160]),
      row(BARE_WRITE, [300, 250, 320]),
    ],
  });
  assert.equal(
    found.get('single commands against the lower of no-op POST and bare SQL batch write'),
    '0.63x (0.40 to 0.67): reached',
  );
  assert.equal(
    found.get('batch endpoint: throughput against a bare SQL batch write'),
    '0.53x (0.50 to 0.64): missed',
  );
  assert.equal(found.get('batch endpoint: throughput against single commands'), '1.60x: reached');
});

test('what was not measured is neither reached nor missed', () => {
  assert.deepEqual(verdicts('limits', { rows: [row(ONE_A_REQUEST, [100])] }), new Map());
});

test('latency at a rate that was not kept up with is no latency', () => {
  const facts = (delivered: number) => [
    { name: 'p99', label: '', value: 12, unit: 'ms' },
    { name: 'delivered', label: '', value: delivered, unit: '%' },
  ];
  const goal = 'latency p99 at half of capacity';
  assert.equal(verdicts('half-load', { facts: facts(99) }).get(goal), '12.00 ms: reached');
  assert.equal(verdicts('half-load', { facts: facts(60) }).get(goal), 'kept up with 60 % only: missed');
});

test('a page that is not the ten-thousandth does not stand for it', () => {
  const deep = (system: string) =>
    verdicts('long-reads', { rows: [row(system, [100], { p99Ms: 4 })] }).get(
      'history page of 50, page 10,000: p99',
    );
  assert.equal(deep(LONG_READS.deep), '4.00 ms: reached');
  assert.equal(deep('history, from page 208 on'), undefined);
});
