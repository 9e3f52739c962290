/** Sends a request to the service and holds its reply to what the reference says. */
import assert from 'node:assert/strict';
import type { Reply } from '../support/service.ts';
import {
  expectDryRun,
  expectReply,
  type Expected,
  type ExpectedReply,
  type Item,
  type Request,
} from './reference-requests.ts';
import type { Command, Done, Limits, Refused, Taken, Transaction } from './reference-terms.ts';
import { assertWalletIs, requestInHttp, type World } from './world.ts';

// oxlint-disable-next-line typescript/no-explicit-any -- bodies of all shapes
type Told = { readonly status: number; readonly body: any; readonly text: string };

export async function exchange(world: World, request: Request): Promise<void> {
  const reply = await send(world, request, false);
  const sent = requestInHttp(world, request, false);
  try {
    check(world, request, { expected: expectReply(world.reference, request), reply, dryRun: false });
  } catch (error) {
    throw new Error(`${JSON.stringify(sent)} was answered ${reply.status} ${reply.text}`, { cause: error });
  }
  for (const { command, key } of request.items)
    if (command.kind === 'capture') await checkCapture(world, key);
}

/** What a capture moved is told by its transaction alone. */
async function checkCapture(world: World, key: string): Promise<void> {
  const { outcome } = world.reference.remembered.get(key) ?? {};
  if (outcome?.kind !== 'done' || outcome.posted === null) return;
  const { body } = await world.service.get(`/transactions/${world.transactionIds[outcome.transaction!]}`);
  assert.equal(body.holdId, world.holdIds[outcome.hold?.number ?? -1]);
  checkEntries(world, { posted: outcome.posted, entries: body.entries });
}

/** Must change nothing, and tell what the request itself would be told. */
export async function exchangeDryRun(world: World, request: Request): Promise<void> {
  const before = await headPosition(world);
  const reply = await send(world, request, true);
  const expected = expectDryRun(world.reference, request);
  try {
    check(world, request, { expected, reply, dryRun: true });
  } catch (error) {
    throw new Error(`the dry run was answered ${reply.status} ${reply.text}`, { cause: error });
  }
  assert.ok([undefined, before].includes(reply.headers['coffer-position'] as string | undefined));
  assert.equal(await headPosition(world), before, 'a dry run wrote something');
}

export async function headPosition({ service, userIds, slugs }: World): Promise<string> {
  const path = `/wallets/${userIds.get('alice')}/${slugs.get('gold')}/balance?consistency=strong`;
  return String((await service.get(path)).headers['coffer-position']);
}

async function send(world: World, request: Request, dryRun: boolean): Promise<Reply> {
  const { path, body, headers } = requestInHttp(world, request, dryRun);
  // A batch and a dry run need no key, and do not mind what stands in its place.
  return world.service.post(path, body, '', headers);
}

type Exchanged = { readonly expected: ExpectedReply; readonly reply: Reply; readonly dryRun: boolean };

function check(world: World, { via, items }: Request, { expected, reply, dryRun }: Exchanged): void {
  if (expected.kind === 'not_a_batch') {
    assert.deepEqual([reply.status, reply.body.code], [expected.status, expected.code]);
    return;
  }
  if (expected.kind === 'batch_refused') {
    assert.deepEqual([reply.status, reply.body.code], [422, 'batch_refused']);
    const { index, cause } = reply.body;
    assert.equal(index, expected.index);
    const told = inBatch({ status: cause.status, body: cause });
    checkOne(world, items[index]!, { expected: expected.answer, told, dryRun });
    checkReplayed(reply, [expected.answer]);
    return;
  }
  const { answers } = expected;
  const told: Told[] = via === 'route' ? [reply] : reply.body.results.map(inBatch);
  if (via !== 'route') assert.equal(reply.status, 200);
  assert.equal(told.length, items.length);
  for (const [index, item] of items.entries())
    checkOne(world, item, { expected: answers[index]!, told: told[index]!, dryRun });
  if (via !== 'each') checkReplayed(reply, answers);
}

function inBatch({ status, body }: Omit<Told, 'text'>): Told {
  return { status, body, text: JSON.stringify(body) };
}

function checkReplayed({ headers }: Reply, answers: readonly Expected[]): void {
  const replayed = answers.every((answer) => answer.replayed);
  assert.equal(headers['idempotent-replayed'], replayed ? 'true' : undefined);
}

function checkOne(
  world: World,
  { key, command }: Item,
  { expected, told, dryRun }: { expected: Expected; told: Told; dryRun: boolean },
): void {
  const { outcome, replayed } = expected;
  const { status, body, text } = told;
  if (replayed) {
    assert.deepEqual({ status, text }, world.answers.get(key), 'a replay differs from the first answer');
    return;
  }
  if (outcome.kind === 'refused') checkRefusal(outcome, told);
  else checkDone(world, command, { outcome, told, dryRun });
  if (dryRun) {
    assert.ok(!('transactionId' in body) || body.transactionId === null);
    return;
  }
  if (outcome.kind === 'done' || outcome.transaction !== null) world.answers.set(key, { status, text });
  learnIds(world, outcome, body);
}

function checkRefusal({ status, code, figures }: Refused, { status: told, body }: Told): void {
  assert.deepEqual([told, body.status, body.code], [status, status, code]);
  for (const [name, value] of Object.entries(figures))
    assert.equal(body[name], value?.toString() ?? null, name);
}

function checkDone(
  world: World,
  command: Command,
  { outcome, told, dryRun }: { outcome: Done; told: Told; dryRun: boolean },
): void {
  const { status, body } = told;
  assert.equal(status, dryRun ? 200 : 201);
  assert.equal(body.dryRun, dryRun ? true : undefined);
  if (outcome.hold !== null) checkHold(world, outcome.hold, body, dryRun);
  else if (outcome.posted !== null) checkPosted(world, { command, posted: outcome.posted, body, dryRun });
  else if (command.kind === 'user.erase')
    assert.deepEqual([body.id, body.email, body.status], [world.userIds.get(command.user), null, 'ERASED']);
  else if ('overdraft' in command) assert.equal(body.overdraft ?? '0', command.overdraft.toString());
  else if ('limits' in command) checkLimits(command.limits, body);
  else if ('barred' in command)
    assert.equal(body.status !== 'ACTIVE', command.barred, `the status is ${body.status}`);
}

/** Where there are none they are left out. */
function checkLimits(limits: Limits, body: Told['body']): void {
  const expected = Object.entries(limits).map(([name, limit]) => [name, limit?.toString() ?? null]);
  const none = Object.values(limits).every((limit) => limit === null);
  assert.deepEqual(body.limits, none ? undefined : Object.fromEntries(expected));
}

export function checkHold(
  world: World,
  hold: Omit<NonNullable<Done['hold']>, 'number'>,
  body: Told['body'],
  dryRun = false,
): void {
  const { userId, asset, amount, captured, remaining, status } = body;
  assert.deepEqual(
    { userId, asset, amount, captured, remaining, status },
    {
      ...{ userId: world.userIds.get(hold.user), asset: world.slugs.get(hold.asset) },
      ...{ amount: hold.amount.toString(), captured: hold.captured.toString() },
      ...{ remaining: hold.remaining.toString(), status: hold.status },
    },
  );
  if (!dryRun) assertWalletIs(world, { owner: hold.user, asset: hold.asset }, body.walletId);
}

type Posted = { command: Command; posted: Transaction; body: Told['body']; dryRun: boolean };

function checkPosted(world: World, { command, posted, body, dryRun }: Posted): void {
  const { type, user, asset, lines } = posted;
  // Of what has no asset of its own no one balance is told; of an exchange that of what is paid.
  const usersLine = asset === null ? undefined : lines.find(({ owner }) => owner === user);
  const shownBalance = usersLine?.balanceAfter.toString() ?? null;
  assert.deepEqual(
    [body.type, body.status, body.userId, body.asset, body.balanceAfter],
    [
      ...[type, 'posted', user === null ? null : world.userIds.get(user)],
      ...[asset === null ? null : world.slugs.get(asset), shownBalance],
    ],
  );
  if (command.kind === 'exchange') checkExchange(world, { command, posted, body });
  if (command.kind !== 'reversal')
    assert.equal(body.amount, 'amount' in command ? command.amount?.toString() : null);
  checkEntries(world, { posted, entries: body.entries, id: body.transactionId, dryRun });
}

function checkExchange(
  world: World,
  {
    command,
    posted,
    body,
  }: Pick<Posted, 'posted' | 'body'> & { command: Extract<Command, { kind: 'exchange' }> },
): void {
  const got = posted.lines.at(-1);
  assert.deepEqual(
    [body.fromAsset, body.toAsset, body.toAmount, body.toBalanceAfter],
    [
      ...[world.slugs.get(command.asset), world.slugs.get(command.toAsset)],
      ...[got?.amount.toString(), got?.balanceAfter.toString()],
    ],
  );
}

type Entry = {
  readonly walletId: string;
  readonly lots?: readonly { readonly lotId: string | null; readonly amount: string }[];
  readonly [field: string]: unknown;
};

export function checkEntries(
  world: World,
  told: {
    posted: Transaction;
    entries: readonly Entry[];
    /** Of the transaction itself, when it is not known by its number yet. */
    id?: string | null;
    dryRun?: boolean;
  },
): void {
  const { posted, entries, id = null, dryRun = false } = told;
  const shown = (pots: readonly Taken[]) =>
    pots.map((part) => ({ lotId: world.transactionIds[part.bonus] ?? id, amount: part.amount.toString() }));
  assert.deepEqual(
    entries.map(({ walletId: _, ...entry }) => entry),
    posted.lines.map(({ asset, direction, amount, balanceAfter, pots }) => ({
      direction,
      ...(posted.asset === null || posted.postings.length > 1 ? { asset: world.slugs.get(asset) } : {}),
      amount: amount.toString(),
      balanceAfter: balanceAfter.toString(),
      ...(pots.length === 0 ? {} : { lots: shown(pots) }),
    })),
  );
  for (const [index, line] of posted.lines.entries())
    if (!dryRun) assertWalletIs(world, line, entries[index]!.walletId);
}

export function learnIds(world: World, outcome: Expected['outcome'], body: Told['body']): void {
  if (outcome.transaction !== null) world.transactionIds[outcome.transaction] = String(body.transactionId);
  if (outcome.kind === 'done' && outcome.hold !== null) {
    world.holdIds[outcome.hold.number] ??= String(body.holdId);
    assert.equal(body.holdId, world.holdIds[outcome.hold.number]);
  }
}
