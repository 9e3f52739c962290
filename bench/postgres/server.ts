// The one PostgreSQL that all systems share, each in a database of its own. By default the embedded one
// in a temporary directory, or in the one that --log names, else the server BENCH_DATABASE_URL names.

import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { openEmbeddedPostgres } from '../../src/db/embedded/embedded-postgres.ts';
import { readFamilyCpuSeconds, readParent } from '../process-figures.ts';

const SHOWN_SETTINGS = [
  'server_version',
  'fsync',
  'synchronous_commit',
  'full_page_writes',
  'wal_sync_method',
  'wal_level',
  'commit_delay',
  'shared_buffers',
  'max_wal_size',
  'max_connections',
] as const;

/** Filesystems kept in memory, by their number in statfs: tmpfs and ramfs. There, fsync costs nothing. */
const MEMORY_FILESYSTEMS = new Set([0x01021994, 0x858458f6]);

export type PostgresSettings = {
  shown: Record<string, string>;
  /** Set otherwise than by default, and by what: a file, the command line, a database or a role. */
  changed: Record<string, string>;
  /** Whether a commit waits for the disk. */
  durable: boolean;
};

export type PostgresServer = {
  origin: string;
  settings: PostgresSettings;
  /** CPU time that the server has used so far; NaN where it is not on this machine, or there is no /proc. */
  readCpuSeconds(): Promise<number>;
  /** The database that the server's own URL names. */
  mainDatabaseUrl(): string;
  /** Creates an empty database and answers its URL. */
  createDatabase(label: string): Promise<string>;
  close(): Promise<void>;
};

/** On a data directory that is kept where one is given. */
export async function openPostgresServer(
  log: (line: string) => void,
  keptDir: string | null,
): Promise<PostgresServer> {
  const given = process.env['BENCH_DATABASE_URL'];
  if (given)
    return describeServer({ origin: 'BENCH_DATABASE_URL', url: given, release: async () => undefined });
  if (keptDir !== null) {
    const kept = await openEmbeddedPostgres({ dataDir: keptDir, mode: 'serve', log });
    return describeServer({ origin: 'embedded', url: kept.url, release: () => kept.close() });
  }

  const directory = await mkdtemp(join(await diskDirectory(), 'coffer-bench-postgres-'));
  // The embedded server may run as another user, who has to get through this directory.
  await chmod(directory, 0o755);
  const removeDirectory = () => rm(directory, { recursive: true, force: true });
  const dataDir = join(directory, 'data');
  const embedded = await openEmbeddedPostgres({ dataDir, mode: 'serve', log }).catch(
    async (error: unknown) => {
      await removeDirectory();
      throw error;
    },
  );
  return describeServer({
    origin: 'embedded',
    url: embedded.url,
    release: async () => {
      await embedded.close();
      await removeDirectory();
    },
  });
}

/** A directory for temporary data that is on a disk. */
export async function diskDirectory(): Promise<string> {
  for (const candidate of [tmpdir(), '/var/tmp']) {
    const filesystem = await statfs(candidate).catch(() => undefined);
    if (filesystem && !MEMORY_FILESYSTEMS.has(filesystem.type)) return candidate;
  }
  return process.cwd();
}

async function describeServer(server: {
  origin: string;
  url: string;
  release: () => Promise<void>;
}): Promise<PostgresServer> {
  const admin = new Client({ connectionString: server.url });
  await admin.connect();
  const settings = await readSettings(admin);
  const postmaster = await postmasterOf(admin);
  const runId = randomBytes(4).toString('hex');
  const databases: string[] = [];
  return {
    origin: server.origin,
    settings,
    readCpuSeconds: () => readFamilyCpuSeconds(postmaster),
    mainDatabaseUrl: () => server.url,
    async createDatabase(label) {
      const name = `coffer_bench_${label}_${runId}`;
      await admin.query(`create database ${name}`);
      databases.push(name);
      const url = new URL(server.url);
      url.pathname = `/${name}`;
      return url.href;
    },
    async close() {
      for (const name of databases) await admin.query(`drop database if exists ${name} with (force)`);
      await admin.end();
      await server.release();
    },
  };
}

/** The process id of the server; NaN where it is not on this machine. */
async function postmasterOf(admin: Client): Promise<number> {
  const { rows } = await admin.query<{ pid: number; local: boolean }>(
    "select pg_backend_pid() as pid, inet_server_addr() is null or inet_server_addr() <<= '127.0.0.0/8' as local",
  );
  const [session] = rows;
  return session?.local === true ? readParent(session.pid) : Number.NaN;
}

async function readSettings(admin: Client): Promise<PostgresSettings> {
  const shown: Record<string, string> = {};
  for (const name of SHOWN_SETTINGS) {
    const { rows } = await admin.query<Record<string, string>>(`show ${name}`);
    shown[name] = Object.values(rows[0] ?? {})[0] ?? '';
  }
  // initdb writes some defaults into the file, and the locale and where to listen say nothing about speed.
  const changed = await admin.query<{ name: string; setting: string; source: string }>(`
    select name, current_setting(name) as setting, source
    from pg_settings
    where source not in ('default', 'override', 'client', 'session')
      and setting is distinct from boot_val
      and name !~ '^(lc_|default_text_search|DateStyle|TimeZone|log_|listen|unix_socket|port|.*_file|cluster_name)'
    order by name`);
  return {
    shown,
    changed: Object.fromEntries(changed.rows.map((row) => [row.name, `${row.setting} (${row.source})`])),
    durable:
      shown['fsync'] === 'on' && shown['synchronous_commit'] === 'on' && shown['full_page_writes'] === 'on',
  };
}
