// The coffer command, run to its end as `npm run coffer` would run it.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { watchMemory } from '../process-figures.ts';
import { cofferEnvironment, startSettings } from './coffer.ts';

const ENTRY = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const OUTPUT_KEPT = 1_000_000;

export type CommandRun = {
  readonly code: number | null;
  /** Both channels. */
  readonly output: string;
  readonly seconds: number;
  readonly peakMB: number;
};

export async function runCommand(
  args: readonly string[],
  environment: Record<string, string>,
): Promise<CommandRun> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [...startSettings(undefined, 'coffer').flags, ENTRY, ...args], {
    env: cofferEnvironment(environment),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const memory = watchMemory(child.pid ?? -1);
  let output = '';
  for (const channel of [child.stdout, child.stderr]) {
    channel.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-OUTPUT_KEPT);
    });
  }
  await once(child, 'close');
  memory.close();
  const seconds = (performance.now() - startedAt) / 1_000;
  return { code: child.exitCode, output, seconds, peakMB: memory.figures()?.peakMB ?? Number.NaN };
}
