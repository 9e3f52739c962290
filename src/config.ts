/** The only reader of the environment. An empty variable counts as unset; an unusable one stops the start. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

function whole(min: number, max: number, fallback: number) {
  return z
    .string()
    .regex(/^[0-9]{1,9}$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.number().min(min).max(max))
    .default(fallback);
}

/** URLs of sockets have none, which URL does not take beside a user. */
function withHost(url: string): string {
  return url.replace(/@(?=[/?]|$)/, '@localhost');
}

const databaseUrl = z
  .string()
  .regex(/^postgres(ql)?:\/\//, 'must start with postgres:// or postgresql://')
  .refine(
    (url) => URL.canParse(withHost(url)),
    'must be a URL; special characters of a password are percent-encoded',
  );

const hosts = z
  .string()
  .transform((list) => list.split(',').map((name) => name.trim().toLowerCase()))
  .pipe(z.array(z.string().regex(/^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)$/, 'must be names, without ports')));

/** Every variable Coffer reads, with its default; .env.example documents them in this order. */
const variables = z.object({
  PORT: whole(0, 65_535, 3000),
  HOST: z.string().default('127.0.0.1'),
  COFFER_ADMIN_KEY: z
    .string()
    .regex(/^[\x21-\x7e]{32,256}$/, 'must be 32 to 256 visible characters')
    .optional(),
  COFFER_ADMIN_KEY_FILE: z.string().optional(),
  COFFER_ALLOWED_HOSTS: hosts.optional(),
  DATABASE_URL: databaseUrl.optional(),
  DATABASE_URL_FILE: z.string().optional(),
  COFFER_MIGRATE_URL: databaseUrl.optional(),
  COFFER_MIGRATE_URL_FILE: z.string().optional(),
  COFFER_DATA_DIR: z.string().default('.coffer'),
  COFFER_AUDIT_KEY_FILE: z.string().optional(),
  COFFER_SEED: z.enum(['demo', 'none']).optional(),
  LOG_LEVEL: z.enum(LOG_LEVELS).default('info'),
  COFFER_MAX_BATCH: whole(1, 1000, 500),
  COFFER_MAX_QUEUE: whole(1, 1_000_000, 10_000),
  COFFER_READ_CONNECTIONS: whole(1, 100, 8),
  COFFER_WAIT_MS: whole(0, 30_000, 2_000),
  COFFER_BODY_LIMIT_BYTES: whole(1_024, 16_777_216, 262_144),
  COFFER_RATE_LIMIT: whole(0, 100_000_000, 0),
  COFFER_MAX_CONNECTIONS: whole(1, 100_000, 4_000),
  COFFER_MAX_STREAMS: whole(1, 10_000, 64),
  COFFER_MAX_LAG_MS: whole(0, 60_000, 3_000),
});

/** Secrets may also come as the content of a file, which `<name>_FILE` names. */
const SECRETS = ['COFFER_ADMIN_KEY', 'DATABASE_URL', 'COFFER_MIGRATE_URL'] as const;

export type Config = {
  readonly port: number;
  readonly host: string;
  /** The first key that may do everything. */
  readonly adminKey: string | null;
  /** Names the service goes by, in lower case, beyond those of this machine. */
  readonly allowedHosts: readonly string[];
  /** Null: the embedded server of `dataDir`. */
  readonly databaseUrl: string | null;
  /** Of the database's owner, for migrations; null: `databaseUrl`. */
  readonly migrateUrl: string | null;
  readonly dataDir: string;
  /** The private key that checkpoints are signed with. */
  readonly auditKeyFile: string;
  readonly seed: 'demo' | 'none';
  readonly logLevel: (typeof LOG_LEVELS)[number];
  /** Most commands in one transaction. */
  readonly maxBatch: number;
  /** Most commands waiting for a transaction; one more is answered 503. */
  readonly maxQueue: number;
  readonly readConnections: number;
  /** How long a query waits for `atLeast`. */
  readonly waitMs: number;
  readonly bodyLimitBytes: number;
  /** Requests a minute, of a key or else of an address; 0: any number. */
  readonly rateLimit: number;
  readonly maxConnections: number;
  /** Answers that are being streamed at one time. */
  readonly maxStreams: number;
  /** An event loop that is later than this on average refuses requests; 0: none does. */
  readonly maxLagMs: number;
};

export class ConfigError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ConfigError';
  }
}

/** Throws ConfigError naming every unusable variable. */
export function readConfig(env: Readonly<Record<string, string | undefined>> = process.env): Config {
  const set = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ''),
  );
  const { secrets, faults: unread } = readSecretFiles(set);
  const parsed = variables.safeParse({ ...set, ...secrets });
  const unusable = parsed.success
    ? []
    : parsed.error.issues.map((issue) => `${String(issue.path[0])}: ${issue.message}`);
  if (!parsed.success || unread.length > 0) {
    throw new ConfigError(`Unusable environment:\n  ${[...unread, ...unusable].join('\n  ')}`);
  }
  const found = parsed.data;
  if (found.COFFER_MIGRATE_URL !== undefined && found.DATABASE_URL === undefined) {
    throw new ConfigError('Unusable environment:\n  COFFER_MIGRATE_URL: names an owner of no DATABASE_URL');
  }
  const dataDir = resolve(found.COFFER_DATA_DIR);
  return {
    port: found.PORT,
    host: found.HOST,
    adminKey: found.COFFER_ADMIN_KEY ?? null,
    allowedHosts: found.COFFER_ALLOWED_HOSTS ?? [],
    databaseUrl: found.DATABASE_URL ?? null,
    migrateUrl: found.COFFER_MIGRATE_URL ?? null,
    dataDir,
    auditKeyFile: resolve(found.COFFER_AUDIT_KEY_FILE ?? join(dataDir, 'audit-key.pem')),
    seed: found.COFFER_SEED ?? (found.DATABASE_URL === undefined ? 'demo' : 'none'),
    logLevel: found.LOG_LEVEL,
    maxBatch: found.COFFER_MAX_BATCH,
    maxQueue: found.COFFER_MAX_QUEUE,
    readConnections: found.COFFER_READ_CONNECTIONS,
    waitMs: found.COFFER_WAIT_MS,
    bodyLimitBytes: found.COFFER_BODY_LIMIT_BYTES,
    rateLimit: found.COFFER_RATE_LIMIT,
    maxConnections: found.COFFER_MAX_CONNECTIONS,
    maxStreams: found.COFFER_MAX_STREAMS,
    maxLagMs: found.COFFER_MAX_LAG_MS,
  };
}

/** What must not be shown anywhere: keys, and passwords as they are written and as they are meant. */
export function secretsOf({ adminKey, databaseUrl, migrateUrl }: Config): string[] {
  const passwords = [databaseUrl, migrateUrl].flatMap((url) => {
    const { password } = url === null ? { password: '' } : new URL(withHost(url));
    return [password, decoded(password)];
  });
  return [adminKey ?? '', ...passwords].filter((secret) => secret !== '');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Faults name variables and files, never what is in them. */
function readSecretFiles(set: Readonly<Record<string, string | undefined>>): {
  secrets: Record<string, string>;
  faults: string[];
} {
  const secrets: Record<string, string> = {};
  const faults: string[] = [];
  for (const name of SECRETS) {
    const file = set[`${name}_FILE`];
    if (file === undefined) continue;
    if (set[name] !== undefined) {
      faults.push(`${name}_FILE: is set beside ${name}; one of the two has to go`);
      continue;
    }
    try {
      const content = readFileSync(file, 'utf8').trim();
      if (content === '') faults.push(`${name}_FILE: ${file} is empty`);
      else secrets[name] = content;
    } catch (error) {
      faults.push(`${name}_FILE: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return { secrets, faults };
}
