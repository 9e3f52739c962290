/** The database goes away while a process starts: it ends and says so, or it runs; it never stays without doing either. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { killStarted, spawnCoffer, within } from '../support/coffer-process.ts';
import { createTestDatabase, dropOnceFree, type TestDatabase } from '../support/database.ts';
import { openDatabaseProxy, type DatabaseProxy } from '../support/database-proxy.ts';
import { until } from '../support/until.ts';
import { environmentOf } from './aftermath.ts';
import { sampleOf } from './rounds.ts';

/** Of what a worker asks in its first seconds. */
const STATEMENTS = sampleOf([1, 4, 8, 12, 16, 20, 24, 28], 2);
const END_LIMIT_MS = 30_000;

let database: TestDatabase;
let proxy: DatabaseProxy;

before(async () => {
  database = await createTestDatabase();
  proxy = await openDatabaseProxy(database.url);
});

after(async () => {
  killStarted();
  await proxy.close();
  await dropOnceFree(database);
});

/** Starts a worker that loses its database with this statement. Resolves to how it ended. */
async function startAndLose(statement: number): Promise<{ code: number | null; output: string }> {
  let asked = 0;
  proxy.restore();
  proxy.onStatement(() => {
    asked += 1;
    if (asked !== statement) return 'forward';
    // It is over once this statement has been judged, not within.
    setImmediate(() => proxy.cutOff());
    return 'lose';
  });
  const worker = spawnCoffer(['worker'], { ...environmentOf(database.url), DATABASE_URL: proxy.url });
  await until('the database is gone', () => asked >= statement, END_LIMIT_MS);
  let hasEnded = false;
  void worker.exited.then(() => (hasEnded = true));
  // A worker that runs says that it cannot follow; one that does not has to end by itself.
  await until('it ends or goes on', () => hasEnded || /fallback poll/.test(worker.output()), END_LIMIT_MS);
  if (!hasEnded) worker.signal('SIGTERM');
  const { code } = await within(END_LIMIT_MS, 'it ends', worker.exited);
  return { code, output: worker.output() };
}

test('a worker that loses its database at any moment of its start ends, or runs until it is told to stop', async () => {
  const codes: (number | null)[] = [];
  for (const statement of STATEMENTS) {
    const { code, output } = await startAndLose(statement);
    assert.ok(code === 0 || code === 1, `${code} after statement ${statement}: ${output}`);
    codes.push(code);
  }
  assert.ok(codes.includes(1), 'some starts failed');
});
