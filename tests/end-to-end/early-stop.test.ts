/** Signals to a process that is still being loaded. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { ROOT } from '../support/coffer-process.ts';

const LIMIT_MS = 30_000;

/** A process that comes as far as main.ts does before it loads the program, signals itself, and stays. */
function endOf(command: string, then = ''): { code: number | null; signal: NodeJS.Signals | null } {
  const script = `
    import { leaveOnSignal, takeOverSignals } from './src/cli/early-stop.ts';
    leaveOnSignal(${command});
    ${then}
    setInterval(() => undefined, 1_000);
    process.kill(process.pid, 'SIGTERM');`;
  const { status, signal, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: ROOT,
    encoding: 'utf8',
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
  });
  assert.equal(stderr, '');
  return { code: status, signal };
}

for (const command of ['undefined', '"serve"', '"api"', '"worker"']) {
  test(`${command}: a service that is told to stop before it has begun has done what it was told`, () => {
    assert.deepEqual(endOf(command), { code: 0, signal: null });
  });
}

test('any other command was cut short, and does not look as if it had found nothing', () => {
  assert.deepEqual(endOf('"audit"'), { code: null, signal: 'SIGTERM' });
});

test('once somebody takes over, the rest is theirs', () => {
  assert.deepEqual(endOf('"serve"', 'takeOverSignals();'), { code: null, signal: 'SIGTERM' });
});
