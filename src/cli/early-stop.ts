/**
 * Signals that come while a process is still being loaded, which takes a second or two. What stays until it is told to stop
 * ends then as it was told, since there is nothing to let go of yet. Any other command is cut short by a signal, as
 * without this: it must not look as if it had done its work.
 */
export const STOP_SIGNALS = ['SIGTERM', 'SIGINT'] as const;

const STAYING = new Set([undefined, 'serve', 'api', 'worker']);

const leave = (): never => process.exit(0);

export function leaveOnSignal(command: string | undefined): void {
  if (STAYING.has(command)) for (const name of STOP_SIGNALS) process.on(name, leave);
}

/** From here on who calls this stops in order. */
export function takeOverSignals(): void {
  for (const name of STOP_SIGNALS) process.off(name, leave);
}
