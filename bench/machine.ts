import { readFile } from 'node:fs/promises';
import { cpus, release, totalmem } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

export type Machine = {
  cpu: string;
  cores: number;
  memoryGB: number;
  system: string;
  node: string;
  /** The share of all cores that others used in the second before the run; null where there is no /proc. */
  busyBefore: number | null;
};

export async function describeMachine(): Promise<Machine> {
  const cores = cpus();
  return {
    cpu: cores[0]?.model.trim() ?? 'unknown',
    cores: cores.length,
    memoryGB: Math.round(totalmem() / 1e9),
    system: `${process.platform} ${release()} ${process.arch}`,
    node: process.version,
    busyBefore: await measureBusy(),
  };
}

async function measureBusy(): Promise<number | null> {
  const before = await readCpuTicks();
  await sleep(1_000);
  const after = await readCpuTicks();
  if (!before || !after) return null;
  return 1 - (after.idle - before.idle) / (after.all - before.all);
}

/** The first line of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal, in ticks. */
async function readCpuTicks(): Promise<{ all: number; idle: number } | undefined> {
  const text = await readFile('/proc/stat', 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const ticks = (text.split('\n')[0] ?? '').trim().split(/\s+/).slice(1, 9).map(Number);
  const all = ticks.reduce((sum, value) => sum + value, 0);
  return { all, idle: (ticks[3] ?? 0) + (ticks[4] ?? 0) };
}
