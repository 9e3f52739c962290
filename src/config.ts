/** The only reader of the environment. An empty variable counts as unset; an unusable one stops the start. */
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

/** Every variable Coffer reads, with its default; .env.example documents them in this order. */
const variables = z.object({
  PORT: whole(0, 65_535, 3000),
  HOST: z.string().default('127.0.0.1'),
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must start with postgres:// or postgresql://')
    .optional(),
  COFFER_DATA_DIR: z.string().default('.coffer'),
  COFFER_AUDIT_KEY_FILE: z.string().optional(),
  COFFER_SEED: z.enum(['demo', 'none']).optional(),
  LOG_LEVEL: z.enum(LOG_LEVELS).default('info'),
  COFFER_MAX_BATCH: whole(1, 1000, 500),
  COFFER_MAX_QUEUE: whole(1, 1_000_000, 10_000),
  COFFER_READ_CONNECTIONS: whole(1, 100, 8),
  COFFER_WAIT_MS: whole(0, 30_000, 2_000),
  COFFER_BODY_LIMIT_BYTES: whole(1_024, 16_777_216, 262_144),
});

export type Config = {
  readonly port: number;
  readonly host: string;
  /** Null: the embedded server of `dataDir`. */
  readonly databaseUrl: string | null;
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
  const parsed = variables.safeParse(set);
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new ConfigError(`Unusable environment:\n  ${faults.join('\n  ')}`);
  }
  const found = parsed.data;
  const dataDir = resolve(found.COFFER_DATA_DIR);
  return {
    port: found.PORT,
    host: found.HOST,
    databaseUrl: found.DATABASE_URL ?? null,
    dataDir,
    auditKeyFile: resolve(found.COFFER_AUDIT_KEY_FILE ?? join(dataDir, 'audit-key.pem')),
    seed: found.COFFER_SEED ?? (found.DATABASE_URL === undefined ? 'demo' : 'none'),
    logLevel: found.LOG_LEVEL,
    maxBatch: found.COFFER_MAX_BATCH,
    maxQueue: found.COFFER_MAX_QUEUE,
    readConnections: found.COFFER_READ_CONNECTIONS,
    waitMs: found.COFFER_WAIT_MS,
    bodyLimitBytes: found.COFFER_BODY_LIMIT_BYTES,
  };
}
