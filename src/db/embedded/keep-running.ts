import { setTimeout as sleep } from 'node:timers/promises';
import type { Claims } from './claims.ts';
import type { Cluster } from './cluster.ts';
import { createDeadline } from './deadline.ts';
import { isRunning } from './process-identity.ts';
import { ensureServer, type Server } from './server-process.ts';

const checkEveryMs = 1000;

export type Keeper = { close(): Promise<void> };

export type Kept = {
  cluster: Cluster;
  server: Server;
  claims: Claims;
  startTimeoutMs: number;
  log: (message: string) => void;
};

/**
 * Starts the server again, on the same port, when it ends while we serve (killed, or out of memory): nobody
 * else looks after an embedded server, and connection pools find it again by themselves.
 */
export function keepServerRunning({ cluster, server, claims, startTimeoutMs, log }: Kept): Keeper {
  const stopped = new AbortController();

  const restart = async (): Promise<Server> => {
    log('The embedded PostgreSQL server has ended unexpectedly, starting it again');
    const deadline = createDeadline(startTimeoutMs, stopped.signal);
    // One that could not even write its pid file, on a full disk, has left no trace of its port.
    const again = { deadline, log, port: server.port };
    const next = await claims.exclusively(deadline, () => ensureServer(cluster, again));
    if (next.port === server.port) log('The embedded PostgreSQL server runs again');
    else log(`The embedded PostgreSQL server had to move to port ${next.port}: restart Coffer`);
    return next;
  };

  const watch = async () => {
    let current = server;
    while (!stopped.signal.aborted) {
      // Not a reason for the process to stay alive.
      await sleep(checkEveryMs, undefined, { ref: false, signal: stopped.signal });
      if (!isRunning(current))
        current = await restart().catch((error: Error) => {
          if (!stopped.signal.aborted) log(error.message);
          return current;
        });
    }
  };
  const watching = watch().catch(() => {});

  return {
    async close() {
      stopped.abort();
      await watching;
    },
  };
}
