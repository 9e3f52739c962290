// What the kernel knows of a process. Its memory is watched from its first to its last moment: VmHWM is
// the kernel's own high-water mark, so no peak between two samples is missed; the samples show when.

import { readFile } from 'node:fs/promises';

const SAMPLE_EVERY_MS = 500;
/** USER_HZ, the unit of /proc on every platform Node runs on. */
const CLOCK_TICKS_PER_SECOND = 100;

export type MemoryFigures = { nowMB: number; peakMB: number };

export type MemoryWatch = {
  /** The last reading, undefined where there is no /proc. */
  figures(): MemoryFigures | undefined;
  samples(): readonly { atMs: number; residentMB: number }[];
  /** One reading more, to be taken before the process is stopped. */
  read(): Promise<MemoryFigures | undefined>;
  close(): void;
};

export function watchMemory(pid: number): MemoryWatch {
  const started = performance.now();
  const samples: { atMs: number; residentMB: number }[] = [];
  let last: MemoryFigures | undefined;
  async function read(): Promise<MemoryFigures | undefined> {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    const nowMB = megabytesOf(status, 'VmRSS');
    const peakMB = megabytesOf(status, 'VmHWM');
    if (Number.isFinite(nowMB) && Number.isFinite(peakMB)) {
      last = { nowMB, peakMB };
      samples.push({ atMs: Math.round(performance.now() - started), residentMB: Math.round(nowMB) });
    }
    return last;
  }
  const timer = setInterval(() => void read(), SAMPLE_EVERY_MS);
  timer.unref();
  return { figures: () => last, samples: () => samples, read, close: () => clearInterval(timer) };
}

/** CPU time used so far, in user and system mode; NaN where there is no /proc. */
export async function readCpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The name of the program stands in parentheses and may hold spaces; fields are counted behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11] ?? Number.NaN) + Number(fields[12] ?? Number.NaN)) / CLOCK_TICKS_PER_SECOND;
}

/** Megabytes of 10^6 bytes. The kernel's "kB" are 1,024 bytes. */
function megabytesOf(status: string, field: string): number {
  const kibibytes = Number(status.match(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm'))?.[1] ?? Number.NaN);
  return (kibibytes * 1024) / 1e6;
}
