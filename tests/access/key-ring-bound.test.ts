/** A change is in force within a second although nothing is heard of it: by how often a ring looks, not by how fast a machine is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { createKeyRing, IN_FORCE_MS, LOOK_MS, RING_LIMITS } from '../../src/access/key-ring.ts';
import { drawSecret } from '../../src/access/secret.ts';
import { until } from '../support/until.ts';

/** A database that never notifies, and a clock that goes on when it is told to. */
function setUp() {
  const secret = drawSecret();
  const state = { version: 1n, valid: true, broken: false };
  const pauses: number[] = [];
  let goOn: () => void = () => undefined;
  const key = {
    ...{ id: '01998a6e-7c00-7abc-8000-000000000001', ledger_id: 1, scopes: ['admin'], source: 'created' },
    ...{ prefix: secret.prefix, hash: secret.hash, expires_at: null },
    ...{ previous_prefix: null, previous_hash: null, previous_until: null },
  };
  const client = {
    on: () => client,
    release: () => undefined,
    query(asked: string | { name?: string }) {
      if (state.broken) return Promise.reject(new Error('gone'));
      const name = typeof asked === 'string' ? asked : asked.name;
      if (name === 'access-version') return Promise.resolve({ rows: [{ version: state.version }] });
      return Promise.resolve({ rows: name === 'access-keys' && state.valid ? [key] : [] });
    },
  };
  const ring = createKeyRing({
    pool: { connect: () => Promise.resolve(client) } as unknown as Pool,
    environmentKey: null,
    log: pino({ level: 'silent' }),
    pause(ms, signal) {
      pauses.push(ms);
      return new Promise((resolve) => {
        goOn = resolve;
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    },
  });
  return { ring, secret, state, pauses, goOn: () => goOn() };
}

test('one pause and one wait for a lock are shorter than what is promised', () => {
  assert.equal(IN_FORCE_MS, 1_000);
  assert.ok(LOOK_MS + RING_LIMITS.lockTimeoutMs < IN_FORCE_MS);
});

test('a revocation of which nothing is heard is found at the next look, one pause later', async () => {
  const { ring: made, secret, state, pauses, goOn } = setUp();
  const ring = await made;
  await until('it pauses', () => pauses.length === 1);
  assert.notEqual(ring.find(secret.text, Date.now()), null);
  Object.assign(state, { version: 2n, valid: false });
  assert.notEqual(ring.find(secret.text, Date.now()), null, 'nothing was said, and nobody has looked yet');
  goOn();
  await until('it has looked', () => pauses.length === 2);
  assert.equal(ring.find(secret.text, Date.now()), null);
  assert.deepEqual(pauses, [LOOK_MS, LOOK_MS]);
  await ring.close();
});

test('a ring that lost its connection looks again as soon', async () => {
  const { ring: made, secret, state, pauses, goOn } = setUp();
  const ring = await made;
  await until('it pauses', () => pauses.length === 1);
  Object.assign(state, { version: 2n, valid: false, broken: true });
  goOn();
  await until('it could not look', () => pauses.length === 2);
  state.broken = false;
  goOn();
  await until('it has looked', () => pauses.length === 3);
  assert.equal(ring.find(secret.text, Date.now()), null);
  assert.deepEqual(pauses, [LOOK_MS, LOOK_MS, LOOK_MS]);
  await ring.close();
});
