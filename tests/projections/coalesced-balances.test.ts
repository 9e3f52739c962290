/** The gathering alone: the database is one that notes how many balances each statement asks for, and waits to be let go. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Transaction } from '../../src/db/transaction.ts';
import { createBalanceReader, type BalanceReader } from '../../src/projections/queries/coalesced-balances.ts';
import { uuid } from '../events/facts.ts';
import { until } from '../support/until.ts';

/** Its balances are numbered as they are asked for. */
function heldDatabase(rowsFor: (asked: number) => number = (asked) => asked) {
  const statements: number[] = [];
  const gates: { letGo: () => void; fail: (error: Error) => void }[] = [];
  let numbered = 0;
  async function query({ values }: { values: readonly unknown[] }): Promise<unknown> {
    // How many elements an array parameter has stands behind its dimensions, its flag and its type.
    const asked = (values[1] as Buffer).readInt32BE(12);
    statements.push(asked);
    const first = numbered;
    numbered += asked;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    gates.push({ letGo: resolve, fail: reject });
    await promise;
    const cells = Array.from({ length: rowsFor(asked) }, (_none, index) => {
      return [true, true, uuid('f', 1), String(first + index), '0', null];
    });
    return { rows: [{ position: 1n, balances: JSON.stringify(cells) }] };
  }
  return {
    tx: { query } as unknown as Transaction,
    statements,
    untilSent: (count: number) => until(`${count} statements`, async () => statements.length === count),
    letGo: () => gates.shift()?.letGo(),
    fail: (error: Error) => gates.shift()?.fail(error),
  };
}

async function ask(read: BalanceReader, count: number): Promise<(bigint | string)[]> {
  const wanted = { userId: uuid('e', 1), assetSlug: 'gold' };
  const balances = await Promise.all(Array.from({ length: count }, () => read(wanted)));
  return balances.map((one) => (one.kind === 'found' ? one.balance : one.kind));
}

const numbers = (from: number, count: number) =>
  Array.from({ length: count }, (_none, index) => BigInt(from + index));

describe('Balances that are asked for at once', () => {
  test('are shared by two statements, each in its order', async () => {
    const database = heldDatabase();
    const asked = ask(createBalanceReader(database.tx, 1, 'projected'), 17);
    await database.untilSent(2);
    assert.deepEqual(database.statements, [9, 8]);
    database.letGo();
    database.letGo();
    assert.deepEqual(await asked, numbers(0, 17));
  });

  test('go in one where they are few', async () => {
    const database = heldDatabase();
    const asked = ask(createBalanceReader(database.tx, 1, 'projected'), 15);
    await database.untilSent(1);
    database.letGo();
    assert.deepEqual(await asked, numbers(0, 15));
    assert.deepEqual(database.statements, [15]);
  });

  test('gather while two are under way: who comes later is answered by a statement that starts later', async () => {
    const database = heldDatabase();
    const read = createBalanceReader(database.tx, 1, 'strong');
    const first = ask(read, 20);
    await database.untilSent(2);
    const later = ask(read, 30);
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(database.statements, [10, 10]);
    database.letGo();
    await database.untilSent(3);
    assert.deepEqual(database.statements, [10, 10, 30], 'one place was free, for all that waited');
    database.letGo();
    database.letGo();
    assert.deepEqual(await first, numbers(0, 20));
    assert.deepEqual(await later, numbers(20, 30));
  });

  test('are at most 500 a statement', async () => {
    const database = heldDatabase();
    const asked = ask(createBalanceReader(database.tx, 1, 'projected'), 1_200);
    await database.untilSent(2);
    database.letGo();
    await database.untilSent(3);
    assert.deepEqual(database.statements, [500, 500, 200]);
    database.letGo();
    database.letGo();
    assert.deepEqual(await asked, numbers(0, 1_200));
  });

  test('a statement that fails fails those it was for, and the next are served', async () => {
    const database = heldDatabase();
    const read = createBalanceReader(database.tx, 1, 'projected');
    const failing = ask(read, 3);
    await database.untilSent(1);
    database.fail(new Error('gone'));
    await assert.rejects(failing, { message: 'gone' });
    const served = ask(read, 1);
    await database.untilSent(2);
    database.letGo();
    assert.deepEqual(await served, [3n]);
  });

  test('a balance that the database has no row for is an error, not left waiting', async () => {
    const database = heldDatabase((asked) => asked - 1);
    const asked = ask(createBalanceReader(database.tx, 1, 'projected'), 2);
    await database.untilSent(1);
    database.letGo();
    await assert.rejects(asked, { message: 'a balance query gave fewer rows than it was asked for' });
  });
});
