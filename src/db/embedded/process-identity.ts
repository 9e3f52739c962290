import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

// A pid alone says little: after a reboot, or in a container started again, the same number belongs to
// someone else. A process is therefore named by its pid together with the moment it started.

export type ProcessIdentity = { pid: number; started: string };
export type RunningProcess = ProcessIdentity & { command: string };

/**
 * The process that has this pid now, or undefined if there is none. A zombie counts as none: in a
 * container whose first process does not collect orphans, it would otherwise look alive for ever.
 */
export function findProcess(pid: number): RunningProcess | undefined {
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  return process.platform === 'linux' ? findInProc(pid) : findWithPs(pid);
}

/** Whether exactly this process, not a later one with the same pid, still runs. */
export function isRunning(identity: ProcessIdentity): boolean {
  return findProcess(identity.pid)?.started === identity.started;
}

/** The identity of the process that calls this. */
export function ownIdentity(): ProcessIdentity {
  const own = findProcess(process.pid);
  if (own === undefined) throw new Error(`cannot read the start time of process ${process.pid}`);
  return { pid: own.pid, started: own.started };
}

function findInProc(pid: number): RunningProcess | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in parentheses and may itself hold blanks and ")".
    const [state = '', ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (state === 'Z' || state === 'X') return undefined;
    const startTicks = rest[18];
    if (startTicks === undefined) return undefined;
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    // The ticks count from boot, so two boots can give the same pair of pid and ticks.
    const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').slice(0, 8);
    return { pid, started: `${bootId}-${startTicks}`, command };
  } catch {
    return undefined;
  }
}

function findWithPs(pid: number): RunningProcess | undefined {
  try {
    const line = execFileSync('ps', ['-ww', '-o', 'stat=,lstart=,command=', '-p', String(pid)], {
      encoding: 'utf8',
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 5000,
    });
    // lstart is five words: Mon Jan  2 15:04:05 2006
    const [, state = '', started, command] = /^\s*(\S+)\s+((?:\S+\s+){4}\S+)\s+(.*)/.exec(line) ?? [];
    if (started === undefined || state.startsWith('Z')) return undefined;
    return { pid, started: started.replaceAll(/\W+/g, '-'), command: `${command} ` };
  } catch {
    return undefined;
  }
}
