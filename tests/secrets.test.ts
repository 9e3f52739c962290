import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { messageFor } from '../src/cli/message.ts';
import { ConfigError, readConfig, secretsOf } from '../src/config.ts';
import { createLogger } from '../src/logging.ts';
import { runCoffer } from './support/coffer-process.ts';

const PASSWORD = 'p%40ss-W0rd-%22of%22-the-test';
const MEANT = 'p@ss-W0rd-"of"-the-test';
const KEY = 'admin-key-of-the-test-0123456789abcdef';
const URL_ = `postgres://coffer:${PASSWORD}@127.0.0.1:1/coffer`;

let directory: string;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'coffer-secrets-'));
});

after(() => rm(directory, { recursive: true }));

function assertKept(text: string, what: string): void {
  for (const secret of [PASSWORD, MEANT, JSON.stringify(MEANT).slice(1, -1), KEY])
    assert.ok(!text.includes(secret), `${what}: ${text}`);
}

/** What a logger writes of something. */
function logged(fields: object, secrets: readonly string[]): string {
  let written = '';
  const destination = { write: (line: string) => void (written += line) };
  createLogger({ level: 'info', destination, secrets }).info(fields, `a line about ${URL_}`);
  return written;
}

describe('Secrets', () => {
  test('come from files as well, without the newline at their end', async () => {
    const files = { COFFER_ADMIN_KEY: KEY, DATABASE_URL: URL_, COFFER_MIGRATE_URL: `${URL_}2` };
    const env: Record<string, string> = {};
    for (const [name, secret] of Object.entries(files)) {
      env[`${name}_FILE`] = join(directory, name);
      await writeFile(join(directory, name), `${secret}\n`);
    }
    const { adminKey, databaseUrl, migrateUrl, seed } = readConfig(env);
    assert.deepEqual([adminKey, databaseUrl, migrateUrl], [KEY, URL_, `${URL_}2`]);
    assert.equal(seed, 'none', 'a database that is named gets no demo data');
  });

  test('in a file that cannot be used, or beside a variable, stop the start with a word about the file alone', async () => {
    const empty = join(directory, 'empty');
    await writeFile(empty, '\n');
    const wrong = join(directory, 'wrong');
    await writeFile(wrong, `mysql://coffer:${PASSWORD}@db/coffer`);
    const cases = [
      [{ DATABASE_URL_FILE: join(directory, 'none') }, /DATABASE_URL_FILE: ENOENT/],
      [{ DATABASE_URL_FILE: directory }, /DATABASE_URL_FILE: EISDIR/],
      [{ COFFER_ADMIN_KEY_FILE: empty }, /COFFER_ADMIN_KEY_FILE: .* is empty/],
      [{ DATABASE_URL_FILE: wrong }, /DATABASE_URL: must start with postgres/],
      [{ DATABASE_URL: URL_, DATABASE_URL_FILE: wrong }, /one of the two has to go/],
      [{ COFFER_ADMIN_KEY: 'short' }, /COFFER_ADMIN_KEY: must be 32 to 256/],
      [{ DATABASE_URL: `postgres://coffer:${PASSWORD}@[db/coffer` }, /DATABASE_URL: must be a URL/],
    ] as const;
    for (const [env, expected] of cases) {
      assert.throws(
        () => readConfig(env),
        (error) => {
          assert.ok(error instanceof ConfigError);
          assert.match(error.message, expected);
          assertKept(error.message, 'a faulty environment');
          return true;
        },
      );
    }
  });

  test('are in no line of a log, wherever they stand in what is logged', () => {
    const config = readConfig({ DATABASE_URL: URL_, COFFER_ADMIN_KEY: KEY });
    const cause = Object.assign(new Error(`password authentication failed: ${MEANT}`), { code: '28P01' });
    const places = [
      { err: new Error(`cannot connect to ${URL_}`, { cause }) },
      { reason: `${KEY} is no key`, nested: { headers: { authorization: `Bearer ${KEY}` } } },
      { env: { DATABASE_URL: URL_ }, list: [PASSWORD, MEANT] },
    ];
    for (const place of places) {
      const line = logged(place, secretsOf(config));
      assertKept(line, 'a log line');
      assert.equal(typeof JSON.parse(line), 'object', 'a line stays JSON');
      assert.match(line, /postgres:\/\/coffer:\*\*\*@127\.0\.0\.1:1\/coffer/);
    }
  });

  test('of which the logger was not told are kept as far as they can be known by their form', () => {
    const line = logged({ err: new Error(`Bearer ${KEY}, password=${MEANT}, ${URL_}`) }, []);
    assertKept(line, 'a log line');
    assert.match(line, /Bearer \*\*\*/);
    assertKept(messageFor(new Error(`no ${URL_}`)), 'a message of the command line');
  });

  test('are in nothing that a process prints whose database cannot be used', async () => {
    const url = new URL(process.env['COFFER_TEST_SERVER'] ?? '');
    url.username = 'nobody-of-the-test';
    url.password = PASSWORD;
    for (const args of [['audit', 'public-key'], ['projections', 'list'], ['api'], ['migrate']]) {
      const { code, output } = await runCoffer(args, { DATABASE_URL: url.href, COFFER_ADMIN_KEY: KEY });
      assert.notEqual(code, 0);
      assert.match(output, /^The database cannot be used: .*authentication failed.*\nDATABASE_URL, or /m);
      assert.doesNotMatch(output, /^ +at /m, 'an operator is told what to do, and no stack');
      assertKept(output, args.join(' '));
    }
  });
});
