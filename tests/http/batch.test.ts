/** POST /transactions/batch: many commands in one request, each for itself, or all of them or none. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { assertLedgerIsSound, balanceOf, eventsWithKey, headPosition } from '../support/ledger-facts.ts';
import { startService, unique, type Reply, type Service } from '../support/service.ts';
import { expectInvalid, expectProblem } from './expect-problem.ts';
import { newHolder, topUp, type Holder } from './payments.ts';

const PATH = '/transactions/batch';

let database: TestDatabase;
let service: Service;
let owner: pg.Client;
let holder: Holder;

before(async () => {
  database = await createTestDatabase();
  service = await startService(database);
  owner = await database.connect();
});

beforeEach(async () => {
  holder = await newHolder(service);
  await topUp(service, holder, '100');
});

after(async () => {
  await assertLedgerIsSound(owner);
  await owner.end();
  await service.close();
  await database.drop();
});

type Command = Record<string, unknown> & { readonly idempotencyKey: string };

function move(type: string, amount: unknown, more: object = {}): Command {
  return { idempotencyKey: unique('key'), type, ...holder, amount, ...more };
}

/** The header is not needed; one that is sent is ignored. */
function send(commands: readonly unknown[], more: object = {}): Promise<Reply> {
  return service.post(PATH, { commands, ...more }, '');
}

const balance = () => balanceOf(owner, holder.userId, holder.assetSlug);

function statusesOf(reply: Reply): number[] {
  assert.equal(reply.status, 200, reply.text);
  return reply.body.results.map(({ status }: { status: number }) => status);
}

describe('A batch of commands for themselves', () => {
  test('does them in their order, and each has its own answer', async () => {
    const reply = await send([
      move('spend', '100'),
      move('spend', '1'),
      move('topup', '5'),
      move('spend', '5'),
      move('spend', 5),
      move('spend', '5', { colour: 'red' }),
      move('hoard', '5'),
      move('topup', '1', { userId: '01998a6e-7c00-7abc-8000-00000000dead' }),
      ...[
        null,
        'x',
        [],
        {},
        { ...move('topup', '1'), idempotencyKey: 5 },
        { ...move('topup', '1'), type: null },
      ],
    ]);
    assert.deepEqual(statusesOf(reply), [
      201,
      422,
      201,
      201,
      400,
      400,
      400,
      404,
      ...Array.from({ length: 6 }, () => 400),
    ]);
    const codes = reply.body.results.map(
      ({ body }: { body: Record<string, unknown> }) => body['code'] ?? body['type'],
    );
    assert.deepEqual(codes, [
      ...['spend', 'insufficient_funds', 'topup', 'spend'],
      ...['validation_failed', 'validation_failed', 'validation_failed', 'user_not_found'],
      ...Array.from({ length: 6 }, () => 'validation_failed'),
    ]);
    assert.equal(await balance(), '0');
    assert.equal(reply.headers['coffer-position'], reply.body.results[3].body.position);
  });

  test('has the answers that the commands alone have, replays included, whichever way they come', async () => {
    const [alone, inBatch] = [move('spend', '10'), move('spend', '11', { reference: 'x' })];
    const { idempotencyKey, type: _type, ...body } = alone;
    const first = await service.post('/transactions/spend', body, idempotencyKey);
    const reply = await send([alone, inBatch]);
    assert.deepEqual(reply.body.results[0], { status: 201, body: first.body });
    const again = await send([inBatch, alone]);
    assert.deepEqual(again.body.results, reply.body.results.toReversed());
    const { idempotencyKey: key, type: _kind, ...same } = inBatch;
    assert.equal(reply.headers['idempotent-replayed'], undefined, 'one of them is new');
    assert.equal(again.headers['idempotent-replayed'], 'true');
    assert.equal(again.headers['coffer-position'], reply.headers['coffer-position']);
    const invalid = await send([inBatch, null]);
    assert.equal(invalid.headers['idempotent-replayed'], undefined, 'one of them has no first answer');
    const single = await service.post('/transactions/spend', same, key);
    assert.equal(single.headers['idempotent-replayed'], 'true');
    assert.deepEqual(single.body, reply.body.results[1].body);
    assert.equal(await balance(), '79');
    const other = await send([{ ...alone, amount: '12' }]);
    assert.equal(other.body.results[0].body.code, 'idempotency_key_reused');
    assert.deepEqual(other.body.results[0].body.differs, ['amount']);
  });

  test('takes every command that moves money', async () => {
    const other = await newHolder(service, holder.assetSlug);
    const { assetSlug, userId } = holder;
    const posting = { from: { userId }, to: { system: 'fees' }, assetSlug, amount: '1' };
    const first = await send([
      move('bonus', '1'),
      {
        idempotencyKey: unique('key'),
        type: 'transfer',
        fromUserId: userId,
        toUserId: other.userId,
        assetSlug,
        amount: '1',
      },
      { idempotencyKey: unique('key'), type: 'postings', postings: [posting], transactionType: 'fee' },
      move('hold', '10'),
    ]);
    assert.deepEqual(statusesOf(first), [201, 201, 201, 201]);
    const [bonus, , fee, hold] = first.body.results.map(({ body }: { body: Record<string, string> }) => body);
    assert.equal(fee.type, 'fee');
    const second = await send([
      { idempotencyKey: unique('key'), type: 'capture', holdId: hold.holdId, amount: '4', final: false },
      { idempotencyKey: unique('key'), type: 'release', holdId: hold.holdId },
      { idempotencyKey: unique('key'), type: 'reversal', transactionId: bonus.transactionId },
      { idempotencyKey: unique('key'), type: 'capture', holdId: 'x' },
    ]);
    assert.deepEqual(statusesOf(second), [201, 201, 201, 400]);
    assert.equal(second.body.results[0].body.remaining, '6');
    assert.equal(second.body.results[3].body.errors[0].path, 'holdId');
  });

  test('of a thousand commands is one request', async () => {
    const reply = await send(
      Array.from({ length: 1_000 }, () => move('topup', '1', { reference: 'r'.repeat(200) })),
    );
    assert.ok(statusesOf(reply).every((status) => status === 201));
    assert.equal(reply.body.results[999].body.balanceAfter, '1100');
  });
});

describe('An atomic batch', () => {
  test('is done as a whole', async () => {
    const commands = [move('spend', '100'), move('topup', '5'), move('spend', '5')];
    const reply = await send(commands, { atomic: true });
    assert.deepEqual(statusesOf(reply), [201, 201, 201]);
    const positions: bigint[] = reply.body.results.map(({ body }: { body: { position: string } }) =>
      BigInt(body.position),
    );
    assert.deepEqual(
      positions,
      [0n, 1n, 2n].map((after) => positions[0]! + after),
    );
    const again = await send(commands, { atomic: true });
    assert.deepEqual([again.text, again.headers['idempotent-replayed']], [reply.text, 'true']);
    assert.equal(await balance(), '0');
  });

  test('is refused as a whole by one refusal, which is all that is remembered', async () => {
    const commands = [move('topup', '5'), move('spend', '106'), move('topup', '1')];
    const head = await headPosition(owner);
    const refused = await send(commands, { atomic: true });
    expectProblem(refused, 'batch_refused', PATH);
    const { index, cause } = refused.body;
    assert.deepEqual(
      [index, cause.code, cause.available, cause.required],
      [1, 'insufficient_funds', '105', '106'],
    );
    assert.equal(cause.instance, '/transactions/spend');
    assert.equal(await headPosition(owner), head + 1n);
    const remembered: number[] = [];
    for (const { idempotencyKey } of commands) remembered.push(await eventsWithKey(owner, idempotencyKey));
    assert.deepEqual(remembered, [0, 1, 0]);
    assert.equal(await balance(), '100');
    await topUp(service, holder, '1000');
    const again = await send(commands, { atomic: true });
    assert.deepEqual([again.status, again.text], [422, refused.text]);
    const mended = await send([commands[0], commands[2]], { atomic: true });
    assert.deepEqual(statusesOf(mended), [201, 201]);
  });

  test('opens no wallet and leaves no state when it is refused, and its neighbours do not notice', async () => {
    const fresh = await newHolder(service, holder.assetSlug);
    const [refused, done] = await Promise.all([
      send([move('topup', '7', fresh), move('spend', '8', fresh)], { atomic: true }),
      send([move('topup', '3', fresh)], { atomic: true }),
    ]);
    assert.equal(refused.body.code, 'batch_refused');
    assert.deepEqual(statusesOf(done), [201]);
    assert.equal(await balanceOf(owner, fresh.userId, fresh.assetSlug), '3');
  });

  test('of a command that names what does not exist remembers nothing', async () => {
    const commands = [move('topup', '5'), move('topup', '5', { assetSlug: 'nope' })];
    const head = await headPosition(owner);
    const refused = await send(commands, { atomic: true });
    assert.deepEqual(
      [refused.status, refused.body.index, refused.body.cause.code],
      [422, 1, 'asset_not_found'],
    );
    assert.equal(await headPosition(owner), head);
    assert.equal(refused.headers['coffer-position'], head.toString());
    const nothing = await send(commands.slice(1));
    assert.deepEqual(statusesOf(nothing), [404]);
    assert.equal(nothing.headers['coffer-position'], head.toString());
  });

  test('with keys that are known only in part is another batch', async () => {
    const known = move('topup', '5');
    await send([known]);
    const mixed = await send([move('topup', '1'), known], { atomic: true });
    expectProblem(mixed, 'idempotency_key_reused', PATH);
    assert.equal(mixed.headers['coffer-position'], (await headPosition(owner)).toString());
    assert.deepEqual(mixed.body.differs, ['commands.1.idempotencyKey']);
    assert.equal(await balance(), '105');
    const changed = await send([{ ...known, amount: '6' }], { atomic: true });
    expectProblem(changed, 'idempotency_key_reused', PATH);
  });

  test('that cannot be understood is a 400 that names the place', async () => {
    const twice = move('topup', '1');
    const invalid: [unknown[], string[]][] = [
      [[move('topup', '1'), move('topup', '0')], ['commands.1.amount']],
      [[move('topup', '1'), { ...move('topup', '1'), colour: 'red' }], ['commands.1.colour']],
      [[twice, twice], ['commands.1.idempotencyKey']],
      [[{ ...move('topup', '1'), idempotencyKey: 'not usable' }], ['commands.0.idempotencyKey']],
      [[move('hoard', '1')], ['commands.0.type']],
    ];
    for (const [commands, paths] of invalid)
      expectInvalid(await send(commands, { atomic: true }), PATH, paths);
    assert.equal(await balance(), '100');
  });
});

test('a batch has 1 to 1,000 commands with 1,000 postings in all, and nothing else', async () => {
  expectInvalid(await send([]), PATH, ['commands']);
  expectInvalid(await send(Array.from({ length: 1_001 }, () => move('topup', '1'))), PATH, ['commands']);
  const { assetSlug, userId } = holder;
  const posting = { from: { userId }, to: { system: 'fees' }, assetSlug, amount: '1' };
  const postings = Array.from({ length: 100 }, () => posting);
  const many = () => ({ idempotencyKey: unique('key'), type: 'postings', postings });
  expectInvalid(await send([...Array.from({ length: 10 }, many), move('topup', '1')]), PATH, ['commands']);
  const executeAt = new Date(Date.now() + 3_600_000).toISOString();
  const later = () => ({ ...many(), executeAt });
  const allLater = await send([...Array.from({ length: 10 }, later), { ...move('topup', '1'), executeAt }]);
  expectInvalid(allLater, PATH, ['commands']);
  assert.match(allLater.body.errors[0].message, /not 1001$/);
  assert.deepEqual(statusesOf(await send([later(), later()])), [202, 202]);
  const { body: posted } = await service.post('/transactions', { postings });
  const back = () => ({
    idempotencyKey: unique('key'),
    type: 'reversal',
    transactionId: posted.transactionId,
  });
  expectInvalid(await send(Array.from({ length: 11 }, back)), PATH, ['commands']);
  assert.deepEqual(statusesOf(await send([back(), back()])), [201, 422]);
  expectInvalid(await send([move('topup', '1')], { atomic: 'yes' }), PATH, ['atomic']);
  expectInvalid(await send([move('topup', '1')], { all: true }), PATH, ['all']);
  assert.equal(await balance(), '100');
});

test('atomic batches of two processes that cross do not lock each other out, and none is done by half', async () => {
  const second = await startService(database, { worker: false });
  try {
    const other = await newHolder(service, holder.assetSlug);
    await topUp(service, other, '100');
    const cross = (from: Holder, to: Holder) => ({
      ...{ idempotencyKey: unique('key'), type: 'transfer', fromUserId: from.userId, toUserId: to.userId },
      ...{ assetSlug: from.assetSlug, amount: '10' },
    });
    const replies = await Promise.all(
      Array.from({ length: 20 }, (_, index) => {
        const commands =
          index % 2 === 0 ? [cross(holder, other), cross(holder, other)] : [cross(other, holder)];
        return (index % 2 === 0 ? service : second).post(PATH, { commands, atomic: true }, '');
      }),
    );
    for (const { status, body } of replies) assert.ok(status === 200 || body.code === 'batch_refused');
    const done = replies.map(({ status }, index) => (status === 200 ? (index % 2 === 0 ? -20n : 10n) : 0n));
    const expected = done.reduce((sum, change) => sum + change, 100n);
    assert.equal(await balance(), expected.toString());
  } finally {
    await second.close();
  }
});
