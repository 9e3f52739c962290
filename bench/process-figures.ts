// What the kernel knows of a process. Its memory is watched from its first to its last moment: VmHWM is
// the kernel's own high-water mark, so no peak between two samples is missed; the samples show when.

import { readdir, readFile } from 'node:fs/promises';

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
  const fields = await statOf(pid);
  return (Number(fields[11] ?? Number.NaN) + Number(fields[12] ?? Number.NaN)) / CLOCK_TICKS_PER_SECOND;
}

/** The same of a process, its children and those it had; NaN where there is no /proc. */
export async function readFamilyCpuSeconds(pid: number): Promise<number> {
  const own = (await statOf(pid)).slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0);
  if (own === 0) return Number.NaN;
  const others = await readdir('/proc').catch(() => []);
  const stats = await Promise.all(others.filter((name) => /^\d+$/.test(name)).map(statOf));
  const children = stats.filter((fields) => fields[1] === String(pid));
  const theirs = children.reduce((sum, fields) => sum + Number(fields[11]) + Number(fields[12]), 0);
  return (own + theirs) / CLOCK_TICKS_PER_SECOND;
}

/** NaN where there is no /proc. */
export async function readParent(pid: number): Promise<number> {
  return Number((await statOf(pid))[1] ?? Number.NaN);
}

/** The fields behind the name of the program, which stands in parentheses and may hold spaces. */
async function statOf(pid: number | string): Promise<string[]> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat === '' ? [] : stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** Megabytes of 10^6 bytes. The kernel's "kB" are 1,024 bytes. */
function megabytesOf(status: string, field: string): number {
  const kibibytes = Number(status.match(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm'))?.[1] ?? Number.NaN);
  return (kibibytes * 1024) / 1e6;
}
