import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { pino } from 'pino';
import { createNudger } from '../../src/projections/nudge.ts';
import { until } from '../support/until.ts';

const log = pino({ level: 'silent' });

describe('The nudger', () => {
  test('sends one nudge for many that come at once, and one more for those that come while it is on its way', async () => {
    const gates: (() => void)[] = [];
    const wake = () => new Promise<void>((resolve) => void gates.push(resolve));
    const nudger = createNudger({ wake, minIntervalMs: 1, log });
    for (let n = 0; n < 100; n += 1) nudger.nudge();
    await until('the first is sent', () => gates.length === 1);
    for (let n = 0; n < 100; n += 1) nudger.nudge();
    assert.equal(gates.length, 1);
    gates[0]!();
    await until('the second is sent', () => gates.length === 2);
    gates[1]!();
    await nudger.close();
    assert.equal(gates.length, 2);
  });

  test('gives up a nudge that nobody answers, and sends the next', async () => {
    let sent = 0;
    const wake = () => {
      sent += 1;
      return sent === 1 ? new Promise<void>(() => undefined) : Promise.resolve();
    };
    const nudger = createNudger({ wake, minIntervalMs: 1, log });
    nudger.nudge();
    await until('the first is sent', () => sent === 1);
    nudger.nudge();
    await until('the second is sent', () => sent === 2);
    await nudger.close();
  });

  test('goes on after a nudge that failed, and sends none once it is closed', async () => {
    let sent = 0;
    const wake = () => {
      sent += 1;
      return Promise.reject(new Error('no'));
    };
    const nudger = createNudger({ wake, minIntervalMs: 1, log });
    nudger.nudge();
    await until('the first is sent', () => sent === 1);
    nudger.nudge();
    await until('the second is sent', () => sent === 2);
    await nudger.close();
    nudger.nudge();
    assert.equal(sent, 2);
  });
});
