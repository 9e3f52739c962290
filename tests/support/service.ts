/** The service inside the test's process, on the test's database: everything real but the socket. */
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance, LightMyRequestResponse } from 'fastify';
import { pino, type Logger } from 'pino';
import { createApp, type App } from '../../src/app.ts';
import { readConfig, type Config } from '../../src/config.ts';
import { asRole } from '../../src/db/session.ts';
import type { TestDatabase } from './database.ts';

export type Reply = {
  readonly status: number;
  readonly headers: LightMyRequestResponse['headers'];
  readonly text: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into bodies of all shapes
  readonly body: any;
};

export type Service = {
  readonly app: App;
  readonly http: FastifyInstance;
  get(path: string, headers?: Record<string, string>): Promise<Reply>;
  /** With a fresh Idempotency-Key unless one is given. */
  post(path: string, body: unknown, key?: string, headers?: Record<string, string>): Promise<Reply>;
  /** Does so once, however often it is asked. */
  close(): Promise<void>;
};

/** One for all services on a database. The directory goes with the run. */
export function auditKeyFileOf(database: TestDatabase): string {
  return join(process.env['COFFER_TEST_KEYS'] ?? tmpdir(), `${new URL(database.url).pathname.slice(1)}.pem`);
}

export async function startService(
  database: TestDatabase,
  options: { config?: Partial<Config>; log?: Logger; worker?: boolean } = {},
): Promise<Service> {
  const found = readConfig({
    ...{ DATABASE_URL: database.url, LOG_LEVEL: 'silent' },
    COFFER_AUDIT_KEY_FILE: auditKeyFileOf(database),
  });
  // On a machine with much to do a worker may be late, and the event loop; a test that waits in vain says so all the same.
  const config = { ...found, waitMs: 15_000, maxLagMs: 0, ...options.config };
  const log = options.log ?? pino({ level: 'silent' });
  const roles = { api: true, worker: options.worker ?? true };
  const app = await createApp({ config, databaseUrl: asRole(database.url, 'coffer_service'), log, roles });
  const { http } = app;
  if (http === null) throw new Error('the service has no HTTP side');
  await http.ready();
  let closing: Promise<void> | null = null;
  return {
    app,
    http,
    get: async (path, headers = {}) => replyOf(await http.inject({ method: 'GET', url: path, headers })),
    post: async (path, body, key = randomUUID(), headers = {}) =>
      replyOf(
        await http.inject({
          method: 'POST',
          url: path,
          headers: { 'content-type': 'application/json', 'idempotency-key': key, ...headers },
          payload: typeof body === 'string' ? body : JSON.stringify(body),
        }),
      ),
    close: () => (closing ??= app.close().then(() => undefined)),
  };
}

function replyOf(response: LightMyRequestResponse): Reply {
  const isJson = String(response.headers['content-type']).includes('json') && response.payload.length > 0;
  return {
    status: response.statusCode,
    headers: response.headers,
    text: response.payload,
    body: isJson && !String(response.headers['content-type']).includes('ndjson') ? response.json() : null,
  };
}

export type Registered = { readonly id: string; readonly email: string };

let counter = 0;

/** A name that no other call has given: for slugs, e-mails, references. */
export function unique(prefix: string): string {
  counter += 1;
  return `${prefix}_${process.pid.toString(36)}_${counter.toString(36)}`;
}

export async function registerUser(service: Service): Promise<Registered> {
  const email = `${unique('user')}@example.com`;
  const reply = await service.post('/users', { email });
  if (reply.status !== 201) throw new Error(`no user: ${reply.text}`);
  return { id: String(reply.body.id), email };
}

/** Resolves to the slug. */
export async function createAsset(service: Service, fields: Record<string, unknown> = {}): Promise<string> {
  const slug = unique('asset');
  const reply = await service.post('/assets', { slug, ...fields });
  if (reply.status !== 201) throw new Error(`no asset: ${reply.text}`);
  return slug;
}

/** The user's balance from the read model once it has seen everything up to the position. */
export async function balanceAt(
  service: Service,
  userId: string,
  slug: string,
  position: string,
): Promise<string> {
  const reply = await service.get(`/wallets/${userId}/${slug}/balance?atLeast=${position}`);
  if (reply.status !== 200) throw new Error(`no balance: ${reply.text}`);
  return String(reply.body.balance);
}
