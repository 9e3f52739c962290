/** What is due is ended within 3 seconds of its time: by a job, and without one. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { pino } from 'pino';
import { OperationalError } from '../../src/errors.ts';
import { MAX_DUE, type Due } from '../../src/projections/due.ts';
import { startSweep, type SweepDeps } from '../../src/projections/sweep.ts';
import { until } from '../support/until.ts';
import { LIMIT_MS, openedSweep } from './sweeping.ts';

const at = openedSweep();

/** Places holds that end in a second; resolves to how long after its time the last of them was recorded as expired. */
async function overdueMs(count: number): Promise<number> {
  const placed = await Promise.all(
    Array.from({ length: count }, () =>
      at.service.post('/holds', { ...at.money, amount: '1', expiresInSeconds: 1 }),
    ),
  );
  const ids = placed.map(({ body }) => String(body.holdId));
  return until('all have expired', async () => {
    const { rows } = await at.owner.query<{ expired: number; late_ms: number }>(
      `select count(*)::int as expired,
              max(extract(epoch from e.recorded_at - h.expires_at) * 1000)::float8 as late_ms
         from holds h
         join events e on e.related_id = h.id and e.type = 'hold.expired'
        where h.id = any ($1)`,
      [ids],
    );
    return rows[0]!.expired === count && rows[0]!.late_ms;
  });
}

test('a hold is ended in time, once, and its wallet has it back', async () => {
  const late = await overdueMs(20);
  assert.ok(late >= 0 && late < LIMIT_MS, `${late} ms late`);
  const { rows } = await at.owner.query<{ held: string }>('select held from wallets where owner = $1', [
    at.money.userId,
  ]);
  assert.equal(rows[0]!.held, '0');
});

test('the same although every job is lost', async () => {
  await at.withoutJobs(async () => {
    const late = await overdueMs(3);
    assert.ok(late >= 0 && late < LIMIT_MS, `${late} ms late`);
  });
});

describe('A sweep', () => {
  function sweepOf(deps: Partial<SweepDeps>) {
    const ended: string[] = [];
    const waiting = ['a', 'b', 'c'].map((id): Due => ({ kind: 'hold', id }));
    const sweep = startSweep({
      due: (except) => {
        const items = waiting.filter(({ id }) => ![...ended, ...except].includes(id));
        return Promise.resolve({ items, more: false });
      },
      end: ({ id }) => Promise.resolve(void ended.push(id)),
      wake: () => Promise.resolve(),
      log: pino({ level: 'silent' }),
      ...deps,
    });
    return { sweep, ended };
  }

  test('goes on with the others when one cannot be ended, and says so', async () => {
    const { sweep, ended } = sweepOf({
      end: ({ id }) => (id === 'a' ? Promise.reject(new Error('no')) : Promise.resolve(void ended.push(id))),
    });
    await assert.rejects(sweep.run(), { message: 'no' });
    assert.deepEqual(ended, ['b', 'c']);
    await sweep.close();
  });

  test('leaves alone what could not be ended, so that it does not keep from the rest', async () => {
    const ended: string[] = [];
    const tried: string[] = [];
    // As many as a look takes cannot be ended, and have waited the longest.
    const broken = Array.from({ length: MAX_DUE }, (_, n): Due => ({
      kind: 'schedule',
      id: `broken ${n}`,
      postings: 1,
    }));
    const waiting: Due[] = [...broken, { kind: 'hold', id: 'good' }];
    const sweep = startSweep({
      due: (except) => {
        const items = waiting.filter(({ id }) => ![...ended, ...except].includes(id));
        return Promise.resolve({ items: items.slice(0, MAX_DUE), more: items.length > MAX_DUE });
      },
      end: ({ kind, id }) => {
        tried.push(id);
        return kind === 'schedule' ? Promise.reject(new Error('no')) : Promise.resolve(void ended.push(id));
      },
      wake: () => Promise.resolve(),
      log: pino({ level: 'silent' }),
    });
    await assert.rejects(sweep.run(), { message: 'no' });
    assert.deepEqual(ended, ['good']);
    const before = tried.length;
    await sweep.run();
    assert.equal(tried.length, before, 'what was set aside was tried again at once');
    await sweep.close();
  });

  test('tries again by itself what failed together with others', async () => {
    let failures = 3;
    const { sweep, ended } = sweepOf({
      end: ({ id }) => {
        failures -= 1;
        return failures >= 0 ? Promise.reject(new Error('no')) : Promise.resolve(void ended.push(id));
      },
    });
    await sweep.run();
    assert.deepEqual(ended, ['a', 'b', 'c']);
    await sweep.close();
  });

  test('blames nothing that is due for a database that is away', async () => {
    let away = true;
    const { sweep, ended } = sweepOf({
      end: ({ id }) =>
        away
          ? Promise.reject(new OperationalError('database_unavailable', 'away', { retryAfterSeconds: 1 }))
          : Promise.resolve(void ended.push(id)),
    });
    await assert.rejects(sweep.run(), { message: 'away' });
    away = false;
    await sweep.run();
    assert.deepEqual(ended, ['a', 'b', 'c']);
    await sweep.close();
  });

  test('asks for a job first, and acts by itself when none came', async () => {
    let asked = 0;
    const { sweep, ended } = sweepOf({
      wake: () => {
        asked += 1;
        assert.equal(ended.length, 0, 'the job comes first');
        return Promise.reject(new Error('no queue'));
      },
    });
    await until('it has acted', () => ended.length === 3);
    assert.equal(asked, 1);
    await sweep.close();
  });

  test('acts by itself when the queue does not even answer', async () => {
    const { sweep, ended } = sweepOf({ wake: () => new Promise(() => undefined) });
    await until('it has acted', () => ended.length === 3);
    await sweep.close();
  });

  test('that is called twice at once runs once', async () => {
    const { sweep, ended } = sweepOf({});
    await Promise.all([sweep.run(), sweep.run()]);
    assert.deepEqual(ended, ['a', 'b', 'c']);
    await sweep.close();
  });
});
