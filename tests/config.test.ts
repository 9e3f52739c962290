import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { describe, test } from 'node:test';
import { ConfigError, readConfig, type Config } from '../src/config.ts';

const DATABASE_URL = 'postgres://coffer:secret@db.example/coffer';
const MIGRATE_URL = 'postgres://owner:other@db.example/coffer';
const ADMIN_KEY = '0123456789abcdef0123456789abcdef';

const defaults: Config = {
  port: 3000,
  host: '127.0.0.1',
  adminKey: null,
  allowedHosts: [],
  databaseUrl: null,
  migrateUrl: null,
  dataDir: resolve('.coffer'),
  auditKeyFile: resolve('.coffer/audit-key.pem'),
  seed: 'demo',
  logLevel: 'info',
  maxBatch: 500,
  maxQueue: 10_000,
  readConnections: 8,
  waitMs: 2_000,
  bodyLimitBytes: 262_144,
  rateLimit: 0,
  maxConnections: 4_000,
  maxStreams: 64,
  maxLagMs: 3_000,
};

const variables = [
  'PORT',
  'HOST',
  'COFFER_ADMIN_KEY',
  'COFFER_ALLOWED_HOSTS',
  'DATABASE_URL',
  'COFFER_MIGRATE_URL',
  'COFFER_DATA_DIR',
  'COFFER_AUDIT_KEY_FILE',
  'COFFER_SEED',
  'LOG_LEVEL',
  'COFFER_MAX_BATCH',
  'COFFER_MAX_QUEUE',
  'COFFER_READ_CONNECTIONS',
  'COFFER_WAIT_MS',
  'COFFER_BODY_LIMIT_BYTES',
  'COFFER_RATE_LIMIT',
  'COFFER_MAX_CONNECTIONS',
  'COFFER_MAX_STREAMS',
  'COFFER_MAX_LAG_MS',
];

describe('The configuration', () => {
  test('of an empty environment is the embedded server with demo data on port 3000', () => {
    assert.deepEqual(readConfig({}), defaults);
  });

  test('takes an empty variable for an unset one', () => {
    assert.deepEqual(readConfig(Object.fromEntries(variables.map((name) => [name, '']))), defaults);
    assert.deepEqual(readConfig(Object.fromEntries(variables.map((name) => [name, undefined]))), defaults);
  });

  test('takes every variable', () => {
    const env = {
      PORT: '0',
      HOST: '::1',
      COFFER_ADMIN_KEY: ADMIN_KEY,
      COFFER_ALLOWED_HOSTS: 'Wallet.example, [fd00::1]',
      DATABASE_URL,
      COFFER_MIGRATE_URL: MIGRATE_URL,
      COFFER_DATA_DIR: '/var/lib/coffer',
      COFFER_AUDIT_KEY_FILE: '/run/keys/audit.pem',
      COFFER_SEED: 'demo',
      LOG_LEVEL: 'silent',
      COFFER_MAX_BATCH: '1',
      COFFER_MAX_QUEUE: '2',
      COFFER_READ_CONNECTIONS: '3',
      COFFER_WAIT_MS: '0',
      COFFER_BODY_LIMIT_BYTES: '1024',
      COFFER_RATE_LIMIT: '4',
      COFFER_MAX_CONNECTIONS: '5',
      COFFER_MAX_STREAMS: '6',
      COFFER_MAX_LAG_MS: '0',
    };
    assert.deepEqual(Object.keys(env), variables);
    assert.deepEqual(readConfig(env), {
      port: 0,
      host: '::1',
      adminKey: ADMIN_KEY,
      allowedHosts: ['wallet.example', '[fd00::1]'],
      databaseUrl: DATABASE_URL,
      migrateUrl: MIGRATE_URL,
      dataDir: '/var/lib/coffer',
      auditKeyFile: '/run/keys/audit.pem',
      seed: 'demo',
      logLevel: 'silent',
      maxBatch: 1,
      maxQueue: 2,
      readConnections: 3,
      waitMs: 0,
      bodyLimitBytes: 1024,
      rateLimit: 4,
      maxConnections: 5,
      maxStreams: 6,
      maxLagMs: 0,
    });
  });

  test('ignores variables of others', () => {
    assert.deepEqual(readConfig({ PATH: '/bin', PGHOST: 'elsewhere', port: '1' }), defaults);
  });

  test('seeds demo data into the embedded server only, unless told otherwise', () => {
    assert.equal(readConfig({}).seed, 'demo');
    assert.equal(readConfig({ DATABASE_URL }).seed, 'none');
    assert.equal(readConfig({ DATABASE_URL: '' }).seed, 'demo');
    assert.equal(readConfig({ DATABASE_URL, COFFER_SEED: '' }).seed, 'none');
    assert.equal(readConfig({ DATABASE_URL, COFFER_SEED: 'demo' }).seed, 'demo');
    assert.equal(readConfig({ COFFER_SEED: 'none' }).seed, 'none');
  });

  test('takes both spellings of a PostgreSQL URL', () => {
    for (const url of ['postgres://h/d', 'postgresql://h/d'])
      assert.equal(readConfig({ DATABASE_URL: url }).databaseUrl, url);
  });

  test('makes the data directory absolute', () => {
    assert.equal(readConfig({ COFFER_DATA_DIR: 'data/x' }).dataDir, resolve('data/x'));
  });

  test('keeps the audit key in the data directory, unless told otherwise', () => {
    assert.equal(readConfig({ COFFER_DATA_DIR: '/data' }).auditKeyFile, '/data/audit-key.pem');
    assert.equal(readConfig({ COFFER_AUDIT_KEY_FILE: 'key.pem' }).auditKeyFile, resolve('key.pem'));
  });
});

describe('An unusable variable stops the start and is named:', () => {
  const unusable: [name: string, values: string[]][] = [
    ['PORT', ['65536', '-1', '80.5', '1e3', ' 80', '0x50', 'http', '99999999999']],
    ['DATABASE_URL', ['mysql://h/d', 'h/d', 'postgres:/h', ' postgres://h/d']],
    ['COFFER_SEED', ['yes', 'DEMO']],
    ['LOG_LEVEL', ['verbose', 'INFO']],
    ['COFFER_MAX_BATCH', ['0', '1001', 'many']],
    ['COFFER_MAX_QUEUE', ['0', '1000001']],
    ['COFFER_READ_CONNECTIONS', ['0', '101']],
    ['COFFER_WAIT_MS', ['30001', '-1', '2s']],
    ['COFFER_BODY_LIMIT_BYTES', ['1023', '16777217', '256kB']],
  ];
  for (const [name, values] of unusable) {
    for (const value of values) {
      test(`${name}=${value}`, () => {
        assert.throws(
          () => readConfig({ [name]: value }),
          (error) => error instanceof ConfigError && error.message.includes(`${name}: `),
        );
      });
    }
  }

  test('all of them at once', () => {
    const env = { PORT: 'x', LOG_LEVEL: 'x', COFFER_WAIT_MS: 'x', HOST: 'fine' };
    assert.throws(() => readConfig(env), {
      name: 'ConfigError',
      message: /^Unusable environment:\n {2}PORT: .+\n {2}LOG_LEVEL: .+\n {2}COFFER_WAIT_MS: .+$/,
    });
  });

  test('without showing the password of a database URL', () => {
    assert.throws(
      () => readConfig({ DATABASE_URL: 'mysql://coffer:secret@h/d' }),
      (error) => error instanceof ConfigError && !error.message.includes('secret'),
    );
  });
});
