import { chmod, mkdir, realpath } from 'node:fs/promises';
import { type Claim, type Claims, openClaims } from './claims.ts';
import { type Cluster, prepareCluster } from './cluster.ts';
import { databaseUrl, ensureCofferDatabase } from './coffer-database.ts';
import { createDeadline, type Deadline } from './deadline.ts';
import { keepServerRunning } from './keep-running.ts';
import { ensureServer, findServer, type Server, stopServer } from './server-process.ts';
import { isRoot } from './server-user.ts';

// A data directory is served by one process (mode `serve`), which stops the server when it ends. Short-lived
// commands (mode `attach`) use the server that runs; if none does they start it, and the last to leave stops
// it. Starting and stopping never overlap, whoever does them: see claims.ts.

export type EmbeddedPostgresMode = 'serve' | 'attach';

export type EmbeddedPostgresOptions = {
  /** Created if missing. Everything there is to back up or to delete is in it or named by it. */
  dataDir: string;
  mode: EmbeddedPostgresMode;
  log: (message: string) => void;
  /** For all of the start, recovery after a crash included; 60 s if not given. */
  startTimeoutMs?: number | undefined;
  /** For an orderly stop, after which the server is made to stop; 5 s if not given. */
  stopTimeoutMs?: number | undefined;
  /** Ends a start that is under way: the promise rejects with the signal's reason, nothing is left running. */
  signal?: AbortSignal | undefined;
};

export type EmbeddedPostgres = {
  /** postgres://coffer:<password>@127.0.0.1:<port>/coffer */
  url: string;
  /** Stops the server if it is ours to stop. May be called more than once. */
  close(): Promise<void>;
};

/** Another process serves this data directory. */
export class DataDirInUseError extends Error {
  readonly dataDir: string;
  readonly pid: number;

  constructor(dataDir: string, pid: number) {
    super(
      `Coffer is already running on ${dataDir} (process ${pid}). ` +
        'Stop it first, or set COFFER_DATA_DIR to another directory.',
    );
    this.name = 'DataDirInUseError';
    this.dataDir = dataDir;
    this.pid = pid;
  }
}

/**
 * Opens the PostgreSQL server of a data directory, with the database `coffer` in it; both are created
 * if the directory is new. Throws DataDirInUseError if another process serves it, ClusterMissingError if
 * its database is gone, and Error with a reason for an operator when the server cannot be started in time.
 */
export async function openEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { mode, log, startTimeoutMs = 60_000, stopTimeoutMs = 5000 } = options;
  const dataDir = await makeDataDir(options.dataDir);
  const claims = await openClaims(dataDir);
  const deadline = createDeadline(startTimeoutMs, options.signal);

  const { cluster, server, claim } = await claims.exclusively(deadline, async () => {
    if (mode === 'serve') await refuseSecondServer(claims, dataDir);
    const claim = await claims.add(mode);
    try {
      const cluster = await prepareCluster(dataDir, deadline, log);
      const server = await startServer({ cluster, claims, claim, deadline, log, stopTimeoutMs });
      return { cluster, server, claim };
    } catch (error) {
      await claims.remove(claim);
      throw error;
    }
  });
  const keeper =
    mode === 'serve' ? keepServerRunning({ cluster, server, claims, startTimeoutMs, log }) : undefined;

  const close = async () => {
    await keeper?.close();
    await claims.remove(claim);
    const stop = () => stopUnlessShared({ cluster, claims, claim, stopTimeoutMs });
    // Waiting for our turn must not keep the process from ending: its server is stopped in any case.
    let entered = false;
    const turn = claims.exclusively(createDeadline(stopTimeoutMs / 2), () => {
      entered = true;
      return stop();
    });
    await turn.catch(async (error: unknown) => {
      if (entered) throw error;
      await stop();
    });
  };
  let closing: Promise<void> | undefined;
  return {
    url: databaseUrl({ port: server.port, password: cluster.password }),
    close: () => (closing ??= close()),
  };
}

type Use = { cluster: Cluster; claims: Claims; claim: Claim; stopTimeoutMs: number };
type Start = Use & { deadline: Deadline; log: (message: string) => void };

async function startServer({ cluster, deadline, log, ...use }: Start): Promise<Server> {
  try {
    const server = await ensureServer(cluster, { deadline, log });
    await ensureCofferDatabase({ port: server.port, password: cluster.password }, deadline);
    return server;
  } catch (error) {
    await stopUnlessShared({ cluster, ...use });
    throw error;
  }
}

// A process that serves takes the server down with it, commands that still use it included, unless
// another has begun to serve meanwhile. A command leaves it to whoever else uses it.
async function stopUnlessShared({ cluster, claims, claim, stopTimeoutMs }: Use): Promise<void> {
  const others = (await claims.living()).filter(
    (other) => other.kind !== 'lock' && other.name !== claim.name,
  );
  const isShared = others.some((other) => claim.kind === 'attach' || other.kind === 'serve');
  const server = findServer(cluster);
  if (server !== undefined && !isShared) await stopServer(server, stopTimeoutMs);
}

async function refuseSecondServer(claims: Claims, dataDir: string): Promise<void> {
  const serving = (await claims.living()).find((claim) => claim.kind === 'serve');
  if (serving !== undefined) throw new DataDirInUseError(dataDir, serving.pid);
}

// Run by root, the directory lets others pass, since the server's account has to; what is secret in it is
// readable by its owner only. The rights of a directory that was there before are not touched.
async function makeDataDir(path: string): Promise<string> {
  const isNew = (await mkdir(path, { recursive: true })) !== undefined;
  if (isNew) await chmod(path, isRoot() ? 0o711 : 0o700);
  return await realpath(path);
}
