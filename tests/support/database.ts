/** A database of its own for each test file, cloned from the migrated template. */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { until } from './until.ts';

export type TestDatabase = {
  readonly url: string;
  /** Connects as the owner, past the service. The caller ends it. */
  connect(): Promise<pg.Client>;
  drop(): Promise<void>;
};

export function databaseUrl(serverUrl: string, database: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${database}`;
  return url.toString();
}

export async function createTestDatabase(): Promise<TestDatabase> {
  const server = process.env['COFFER_TEST_SERVER'];
  const template = process.env['COFFER_TEST_TEMPLATE'];
  if (server === undefined || template === undefined) {
    throw new Error(
      'the global setup did not run: use npm test, or node --test --test-global-setup=tests/setup.ts',
    );
  }
  const name = `coffer_test_${process.pid}_${randomBytes(4).toString('hex')}`;
  await onServer(server, `create database ${name} template ${template}`);
  const url = databaseUrl(server, name);
  return {
    url,
    async connect() {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      return client;
    },
    drop: () => dropDatabase(server, name),
  };
}

/** Fails when connections are left open on it: a test that leaks a pool is a broken test. */
export async function dropDatabase(serverUrl: string, name: string): Promise<void> {
  await onServer(serverUrl, `drop database ${name}`);
}

/** Drops it once the last session of a process that was ended has gone. */
export async function dropOnceFree(database: TestDatabase): Promise<void> {
  await until('all sessions have ended', () =>
    database.drop().then(
      () => true,
      () => false,
    ),
  );
}

async function onServer(serverUrl: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: serverUrl });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
