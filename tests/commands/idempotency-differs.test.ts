/** A key that was used for another request: `differs` names the fields that differ, and only them. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decide } from '../../src/commands/decide.ts';
import { keyReused, keyReusedBy } from '../../src/commands/idempotency.ts';
import type { Command } from '../../src/commands/schemas.ts';
import { canonicalJson } from '../../src/events/canonical.ts';
import type { StoredEvent } from '../../src/events/read.ts';
import { upcast } from '../../src/events/upcast.ts';
import {
  NOON,
  alice,
  bob,
  carol,
  funded,
  gold,
  issued,
  ore,
  registered,
  stateAfter,
  uuid,
  walletIdOf,
  type User,
} from '../events/facts.ts';
import { contextFrom } from '../support/decision.ts';

const dora: User = { id: uuid('a', 4), email: 'dora@example.com' };
const state = stateAfter([
  ...[registered(alice), registered(bob), registered(dora)],
  ...[...issued(gold), ...issued(ore), ...funded(alice, gold, '100'), ...funded(bob, gold, '100')],
]);

/** What the first request left in the log, read back from it. */
function storedBy(command: Command): StoredEvent {
  const decision = decide(state, command, contextFrom());
  assert.ok(decision.kind === 'events', 'the first request is recorded');
  const event = decision.events.at(-1)!;
  const personal = new Map(event.personal.map(({ field, value }) => [field, value]));
  const data = JSON.parse(canonicalJson(event.data)) as unknown;
  return {
    ...upcast({ type: event.type, version: event.version, data }),
    ...{
      position: 1n,
      id: event.id,
      actor: 'test',
      idempotencyKey: 'key',
      correlationId: null,
      relatedId: null,
    },
    ...{ occurredAt: NOON, recordedAt: NOON, fingerprint: null, salt: null, personal },
  };
}

function differs(first: Command, second: Command): { fromLog: string[]; inBatch: string[] } {
  const [logged, batched] = [keyReused(storedBy(first), second), keyReusedBy(first, second)];
  assert.equal(logged.code, 'idempotency_key_reused');
  assert.equal(batched.code, 'idempotency_key_reused');
  return {
    fromLog: [...(logged.figures['differs'] as string[])].sort(),
    inBatch: [...(batched.figures['differs'] as string[])].sort(),
  };
}

type Change = [first: Command, change: object, fields: string[]];

const register: Command = { kind: 'user.register', id: carol.id, email: 'carol@example.com' };
const ban: Command = { kind: 'user.status', userId: alice.id, status: 'BANNED', reason: 'fraud' };
const erase: Command = { kind: 'user.erase', userId: dora.id, reason: 'request 1' };
const eraseTooSoon: Command = { ...erase, userId: alice.id };
const create: Command = { kind: 'asset.create', slug: 'tin', name: 'Tin', scale: 2, supplyCap: '10' };
const freeze: Command = { kind: 'asset.status', slug: 'gold', status: 'FROZEN', reason: 'audit' };
const lock: Command = {
  kind: 'wallet.status',
  walletId: walletIdOf(alice, gold),
  status: 'FROZEN',
  reason: 'lost',
};
const fields = { assetSlug: 'gold', amount: '30', reference: 'order-1', metadata: { b: '2', a: '1' } };
const spend: Command = { kind: 'spend', userId: alice.id, ...fields };
const tooMuch: Command = { ...spend, amount: '500' };
const transfer: Command = { kind: 'transfer', fromUserId: alice.id, toUserId: bob.id, ...fields };
const exchange: Command = {
  ...{ kind: 'exchange', userId: alice.id, fromAsset: 'gold', toAsset: 'ore', amount: '30', rate: '0.5' },
  ...{ reference: 'order-1', metadata: { a: '1' } },
};
const { rate: _rate, ...withoutRate } = exchange;
const exchangeFor = { ...withoutRate, toAmount: '15' } as Command;
const exchangeTooMuch: Command = { ...exchange, amount: '500' };

const changes: Change[] = [
  [{ kind: 'user.register', email: 'carol@example.com' }, { email: 'other@example.com' }, ['email']],
  [register, { email: 'other@example.com' }, ['email']],
  [register, { id: uuid('a', 9) }, ['id']],
  [register, { id: uuid('a', 9), email: 'other@example.com' }, ['email', 'id']],
  [ban, { userId: bob.id }, ['userId']],
  [ban, { status: 'ACTIVE' }, ['status']],
  [ban, { reason: 'spam' }, ['reason']],
  [ban, { reason: undefined }, ['reason']],
  [erase, { userId: carol.id }, ['userId']],
  [erase, { reason: 'other' }, ['reason']],
  [eraseTooSoon, { userId: carol.id }, ['userId']],
  [eraseTooSoon, { reason: undefined }, ['reason']],
  [create, { slug: 'lead' }, ['slug']],
  [create, { name: 'Lead' }, ['name']],
  [create, { name: undefined }, ['name']],
  [create, { scale: 3 }, ['scale']],
  [create, { scale: undefined }, ['scale']],
  [create, { supplyCap: '11' }, ['supplyCap']],
  [create, { supplyCap: null, slug: 'lead' }, ['slug', 'supplyCap']],
  [freeze, { slug: 'ore' }, ['slug']],
  [freeze, { status: 'ACTIVE' }, ['status']],
  [freeze, { reason: 'x' }, ['reason']],
  [lock, { walletId: walletIdOf(bob, gold) }, ['walletId']],
  [lock, { status: 'ACTIVE', reason: undefined }, ['reason', 'status']],
  ...[spend, tooMuch].flatMap((command): Change[] => [
    [command, { userId: bob.id }, ['userId']],
    [command, { assetSlug: 'ore' }, ['assetSlug']],
    [command, { amount: '31' }, ['amount']],
    [command, { reference: 'order-2' }, ['reference']],
    [command, { reference: null }, ['reference']],
    [command, { metadata: { a: '1' } }, ['metadata']],
    [command, { metadata: { a: '2', b: '1' } }, ['metadata']],
    [command, { metadata: null, amount: '1' }, ['amount', 'metadata']],
    [command, { personalMetadata: ['a'] }, ['personalMetadata']],
    [command, { kind: 'topup' }, ['command']],
  ]),
  [transfer, { fromUserId: bob.id, toUserId: alice.id }, ['fromUserId', 'toUserId']],
  [transfer, { amount: '1' }, ['amount']],
  [transfer, { metadata: {} }, ['metadata']],
  ...[exchange, exchangeTooMuch].flatMap((command): Change[] => [
    [command, { userId: bob.id }, ['userId']],
    [command, { fromAsset: 'ore', toAsset: 'gold' }, ['fromAsset', 'toAsset']],
    [command, { amount: '31' }, ['amount']],
    [command, { rate: '0.50' }, ['rate']],
    [command, { rate: undefined, toAmount: '15' }, ['rate', 'toAmount']],
    [command, { reference: null, metadata: null }, ['metadata', 'reference']],
    [command, { personalMetadata: ['a'] }, ['personalMetadata']],
  ]),
  [exchangeFor, { toAmount: '16' }, ['toAmount']],
  [exchangeFor, { toAmount: undefined, rate: '0.5' }, ['rate', 'toAmount']],
];

describe('Of two requests with one key, the second is told', () => {
  for (const [first, change, expected] of changes) {
    const named = Object.entries(change).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
    test(`${expected.join(' and ')}: ${first.kind}, then with ${named.join(', ')}`, () => {
      const second = { ...first, ...change } as Command;
      assert.deepEqual(differs(first, second), { fromLog: expected, inBatch: expected });
    });
  }

  test('the command and every field that only one of them has', () => {
    const expected = ['command', 'fromUserId', 'toUserId', 'userId'];
    assert.deepEqual(differs(spend, transfer), { fromLog: expected, inBatch: expected });
    assert.deepEqual(differs(transfer, spend), { fromLog: expected, inBatch: expected });
  });

  test('nothing of the order in which metadata was written', () => {
    const reordered: Command = { ...spend, metadata: { a: '1', b: '2' }, amount: '1' };
    assert.deepEqual(differs(spend, reordered), { fromLog: ['amount'], inBatch: ['amount'] });
  });

  test('metadata by its values, those that are personal too', () => {
    const first: Command = { ...spend, personalMetadata: ['a'] };
    const second: Command = { ...first, metadata: { a: 'other', b: '2' } };
    assert.deepEqual(differs(first, second), { fromLog: ['metadata'], inBatch: ['metadata'] });
  });

  test('all fields with two spellings where they differ in nothing else', () => {
    const { reference: _r, metadata: _m, ...bare } = { ...spend };
    const expected = ['metadata', 'personalMetadata', 'reference', 'userId'];
    const written: Command = { ...bare, reference: null, metadata: null };
    assert.deepEqual(differs(bare as Command, written), { fromLog: expected, inBatch: expected });
  });

  test('never a value: only names of fields', () => {
    const second: Command = { ...spend, reference: 'secret-1', metadata: { name: 'Alice Smith' } };
    const { detail, figures } = keyReused(storedBy(spend), second);
    assert.match(detail, /differs in: reference, metadata\.$/);
    assert.doesNotMatch(JSON.stringify([detail, figures]), /secret|Smith|order/);
  });
});
