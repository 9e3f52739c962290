/** npm start on a new machine, and everything that may happen to that process until it is stopped. */
import assert from 'node:assert/strict';
import { createServer, type AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { findPostmaster } from '../embedded/data-directory.ts';
import {
  groupIsGone,
  makeDataDir,
  runCoffer,
  spawnCoffer,
  startCoffer,
  within,
  type Coffer,
  type CofferProcess,
} from '../support/coffer-process.ts';
import { until } from '../support/until.ts';

const STOP_LIMIT_MS = 10_000;

let dataDir: Awaited<ReturnType<typeof makeDataDir>>;
let env: { COFFER_DATA_DIR: string };
/** The body of a top-up from before the first stop. */
let toppedUp: { transactionId: string; userId: string; balanceAfter: string };

before(async () => {
  dataDir = await makeDataDir();
  env = { COFFER_DATA_DIR: dataDir.path };
});

after(() => dataDir.remove());

async function assertStopped(coffer: CofferProcess): Promise<void> {
  const ended = await within(STOP_LIMIT_MS, 'it stops in time', coffer.exited);
  assert.deepEqual(ended, { code: 0, signal: null }, coffer.output());
  await until('nothing of it is left', () => groupIsGone(coffer.pid));
  assert.equal(await findPostmaster(dataDir.path), undefined, 'PostgreSQL has stopped');
}

async function headPosition(coffer: Coffer): Promise<string> {
  return String((await coffer.get('/events?limit=1')).headers.get('coffer-position'));
}

async function userIdOf(coffer: Coffer, email: string): Promise<string> {
  return String((await coffer.get(`/users?email=${email}`)).body.data[0].id);
}

test('the first start needs nothing: it says where it listens, has demo data, a page, and moves money', async () => {
  const coffer = await startCoffer(['serve'], env);
  assert.match(coffer.output(), /^Coffer listens on http:\/\/127\.0\.0\.1:\d+$/m);
  const page = await coffer.get('/');
  assert.equal(page.status, 200);
  assert.match(page.headers.get('content-type') ?? '', /^text\/html/);
  assert.match(page.text, /<html/);
  const userId = await userIdOf(coffer, 'alice@example.com');
  const balance = await coffer.get(`/wallets/${userId}/gold_coins/balance`);
  const reply = await coffer.post('/transactions/topup', { userId, assetSlug: 'gold_coins', amount: '100' });
  assert.equal(reply.status, 201);
  assert.equal(BigInt(reply.body.balanceAfter), BigInt(balance.body.balance) + 100n);
  const later = await coffer.get(`/wallets/${userId}/gold_coins/balance?atLeast=${reply.body.position}`);
  assert.equal(later.body.balance, reply.body.balanceAfter);
  toppedUp = reply.body;
  coffer.signal('SIGTERM');
  await assertStopped(coffer);
});

test('the second start has everything the first one had, and commands of the command line attach to it', async () => {
  const coffer = await startCoffer(['serve'], env);
  const transaction = await coffer.get(`/transactions/${toppedUp.transactionId}`);
  assert.equal(transaction.body.balanceAfter, toppedUp.balanceAfter);
  const head = await headPosition(coffer);
  assert.equal((await coffer.get('/users')).body.data.length, 2, 'the demo data was not written again');

  const second = await runCoffer(['serve'], env);
  assert.equal(second.code, 1);
  assert.match(second.output, /Coffer is already running on .+ \(process \d+\)/);
  assert.doesNotMatch(second.output, /^\s+at /m, 'a sentence and no stack');

  for (const [args, said] of [
    [['migrate'], /the database is up to date/],
    [['seed'], /the demo data is there/],
    [['projections', 'list'], new RegExp(`wallet_balances +\\S+ +${head}/${head}`)],
    [
      ['projections', 'rebuild'],
      /wallet_balances: generation 2 is live after .* rows compared, no difference/,
    ],
    [['audit', 'verify'], new RegExp(`Verified up to ${head}`)],
  ] as const) {
    const { code, output } = await runCoffer(args, env);
    assert.equal(code, 0, output);
    assert.match(output, said);
  }
  const unknown = await runCoffer(['projections', 'rebuild', 'nonsense'], env);
  assert.equal(unknown.code, 2);
  assert.match(unknown.output, /unknown: nonsense/);
  assert.equal(await headPosition(coffer), head);
  const balance = await coffer.get(`/wallets/${toppedUp.userId}/gold_coins/balance`);
  assert.equal(balance.body.balance, toppedUp.balanceAfter);
  coffer.signal('SIGINT');
  await assertStopped(coffer);
});

test('a signal to the whole group, and the same again while it stops, end it in order', async () => {
  const coffer = await startCoffer(['serve'], env);
  coffer.signalGroup('SIGTERM');
  await until('it stops', () => coffer.output().includes('"stopping"'));
  coffer.signalGroup('SIGTERM');
  coffer.signalGroup('SIGINT');
  await assertStopped(coffer);
});

test('what is in flight when the signal comes is answered', async () => {
  const coffer = await startCoffer(['serve'], env);
  const body = { userId: toppedUp.userId, assetSlug: 'gold_coins', amount: '1' };
  const writes = Array.from({ length: 50 }, () => coffer.post('/transactions/topup', body));
  await Promise.race(writes);
  coffer.signal('SIGTERM');
  // A connection that the process has not read from yet is cut off with the listening socket; one it has read a
  // request from is answered.
  const outcomes = await Promise.allSettled(writes);
  await assertStopped(coffer);
  const replies = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  assert.ok(replies.some(({ status }) => status === 201));
  for (const reply of replies)
    assert.ok(reply.status === 201 || reply.body.code === 'shutting_down', String(reply.status));
});

for (const [how, send] of [
  ['SIGTERM to npm alone', (coffer: Coffer) => coffer.signal('SIGTERM')],
  ['Ctrl-C, which reaches npm and all below it', (coffer: Coffer) => coffer.signalGroup('SIGINT')],
] as const) {
  test(`npm start is stopped by ${how}`, async () => {
    const coffer = await startCoffer([], env, true);
    send(coffer);
    await within(STOP_LIMIT_MS, 'npm ends', coffer.exited);
    await until('nothing of it is left', () => groupIsGone(coffer.pid));
    assert.equal(await findPostmaster(dataDir.path), undefined, 'PostgreSQL has stopped');
    assert.match(coffer.output(), /"stopping"/);
  });
}

test('a signal that comes before it is ready stops it too', async () => {
  const coffer = spawnCoffer(['serve'], env);
  await until('PostgreSQL starts', async () => (await findPostmaster(dataDir.path)) !== undefined);
  coffer.signal('SIGTERM');
  await assertStopped(coffer);
});

test('a port that is taken is said in a sentence, and the database is stopped again', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => {
    other.listen(0, '127.0.0.1', resolve);
  });
  try {
    const PORT = String((other.address() as AddressInfo).port);
    const { code, output } = await runCoffer(['serve'], { ...env, PORT });
    assert.equal(code, 1);
    assert.match(output, new RegExp(`127\\.0\\.0\\.1:${PORT}`));
    assert.match(output, /Set PORT to another port/);
    assert.doesNotMatch(output, /^\s+at /m, 'a sentence and no stack');
    assert.equal(await findPostmaster(dataDir.path), undefined);
  } finally {
    other.close();
  }
});

test('an environment that makes no sense is said before anything is started', async () => {
  const { code, output } = await runCoffer(['serve'], { ...env, PORT: 'http', COFFER_MAX_BATCH: '0' });
  assert.equal(code, 1);
  assert.match(output, /PORT: must be a whole number/);
  assert.match(output, /COFFER_MAX_BATCH/);
  assert.equal(await findPostmaster(dataDir.path), undefined);
});
