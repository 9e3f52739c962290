/** The service is told to stop while its database does not answer any more: it ends in time, and says what it must. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { killStarted, startCoffer, within, type Coffer } from '../support/coffer-process.ts';
import { createTestDatabase, dropOnceFree, type TestDatabase } from '../support/database.ts';
import { openDatabaseProxy, type DatabaseProxy } from '../support/database-proxy.ts';
import { until } from '../support/until.ts';

const STOP_LIMIT_MS = 10_000;
const OF_THE_WORKER = ['due-items', 'laggards'];

let database: TestDatabase;
let proxy: DatabaseProxy;
let coffer: Coffer;

before(async () => {
  database = await createTestDatabase();
  proxy = await openDatabaseProxy(database.url);
  coffer = await startCoffer(['serve'], { DATABASE_URL: proxy.url });
});

after(async () => {
  killStarted();
  await proxy.close();
  await dropOnceFree(database);
});

test('SIGTERM ends it with 0, and who waits is told that the outcome is not known or that it stops', async () => {
  const userId = String((await coffer.post('/users', { email: 'a@example.com' })).body.id);
  await coffer.post('/assets', { slug: 'coins' });
  const swallowed = new Set<string>();
  // What the worker asks from time to time goes first: the commands wait for their answers for 15 s at most.
  const silent = (only: readonly string[] | null) =>
    proxy.onStatement((statement) => {
      if (only !== null && !only.includes(statement)) return 'forward';
      swallowed.add(statement);
      return 'swallow';
    });
  silent(OF_THE_WORKER);
  await until('the worker waits for answers', () => OF_THE_WORKER.every((name) => swallowed.has(name)));
  swallowed.clear();
  silent(null);
  const topUp = { userId, assetSlug: 'coins', amount: '1' };
  const first = coffer.post('/transactions/topup', topUp);
  await until('the first command is under way', () => swallowed.has('policy-version'));
  const second = coffer.post('/transactions/topup', topUp);
  await until('the second one waits', async () =>
    /^coffer_queue_depth 1$/m.test((await coffer.get('/metrics')).text),
  );
  coffer.signal('SIGTERM');
  const answers = await within(STOP_LIMIT_MS, 'both are answered', Promise.all([first, second]));
  assert.deepEqual(
    answers.map(({ status, body }) => [status, body.code]),
    [
      [503, 'outcome_unknown'],
      [503, 'shutting_down'],
    ],
  );
  for (const { headers } of answers) assert.equal(headers.get('connection'), 'close');
  const ended = await within(STOP_LIMIT_MS, 'it stops in time', coffer.exited);
  assert.deepEqual(ended, { code: 0, signal: null }, coffer.output());
});
