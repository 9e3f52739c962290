/**
 * Schedules that were tampered with: in their tables, all at once in places of their own, and in the log, one after the
 * other. Each is found where it is.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import type { CheckName, Finding } from '../../src/audit/fold/finding.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createAsset, registerUser, startService, type Service } from '../support/service.ts';
import { until } from '../support/until.ts';
import { verifyAll } from './filled-ledger.ts';

const ANOTHER_ID = '01998a6e-7c00-7abc-8000-00000000dead';

let database: TestDatabase;
let superuser: pg.Client;
const ids: Record<
  'done' | 'doneToo' | 'declined' | 'cancelled' | 'waiting' | 'waitingToo' | 'placed',
  string
> = { ...{ done: '', doneToo: '', declined: '', cancelled: '', waiting: '', waitingToo: '', placed: '' } };

before(async () => {
  database = await createTestDatabase();
  const service = await startService(database);
  await fill(service);
  await service.close();
  superuser = new pg.Client({ connectionString: database.url });
  await superuser.connect();
  await superuser.query("set session_replication_role = 'replica'");
});

after(async () => {
  await superuser.end();
  await database.drop();
});

async function fill(service: Service): Promise<void> {
  const { id: userId } = await registerUser(service);
  const money = { userId, assetSlug: await createAsset(service), amount: '10' };
  await service.post('/transactions/topup', { ...money, amount: '100' });
  const soon = (): string => new Date(Date.now() + 3_000).toISOString();
  const later = new Date(Date.now() + 3_600_000).toISOString();
  const schedule = async (path: string, body: object): Promise<string> => {
    const reply = await service.post(path, { ...money, ...body });
    assert.equal(reply.status, 202, reply.text);
    return reply.body.scheduleId;
  };
  const personal = { metadata: { to: 'Alice' }, personalMetadata: ['to'] };
  ids.done = await schedule('/transactions/spend', { executeAt: soon(), ...personal });
  ids.doneToo = await schedule('/transactions/bonus', { executeAt: soon() });
  ids.declined = await schedule('/transactions/spend', { executeAt: soon(), amount: '900' });
  ids.placed = await schedule('/holds', { executeAt: soon() });
  ids.cancelled = await schedule('/transactions/spend', { executeAt: later });
  ids.waiting = await schedule('/transactions/spend', { executeAt: later, ...personal });
  ids.waitingToo = await schedule('/holds', { executeAt: later });
  const { body } = await service.post(`/scheduled/${ids.cancelled}/cancel`, { reason: 'why not' });
  await until('what is due was done', async () => {
    const { body: list } = await service.get(`/scheduled?status=scheduled&atLeast=${body.position}`);
    return list.data.length === 2;
  });
}

async function findings(): Promise<readonly Finding[]> {
  return (await verifyAll(database.url)).findings;
}

/** The position of the event that ended a schedule, or created it. */
async function positionOf(scheduleId: string, type: string): Promise<string> {
  const { rows } = await superuser.query<{ position: string }>(
    "select position::text as position from events where type = $2 and data -> 'schedule' ->> 'scheduleId' = $1",
    [scheduleId, type],
  );
  return rows[0]!.position;
}

async function headPosition(): Promise<string> {
  const { rows } = await superuser.query<{ head: string }>('select head_position::text as head from ledgers');
  return rows[0]!.head;
}

/** Changes rows, verifies, and takes the change back. */
async function whenever(change: string, undo: string): Promise<readonly Finding[]> {
  await superuser.query(change);
  const found = await findings();
  await superuser.query(undo);
  return found;
}

test('a ledger with schedules in every state is in order', async () => {
  const { rows } = await superuser.query<{ status: string }>(
    'select distinct status from schedules order by 1',
  );
  assert.deepEqual(
    rows.map(({ status }) => status),
    ['cancelled', 'executed', 'failed', 'scheduled'],
  );
  const verdict = await verifyAll(database.url);
  assert.deepEqual(verdict.findings, []);
  assert.deepEqual((await verifyAll(database.url, { since: 'latest' })).findings, []);
});

describe('A row of a schedule', () => {
  type Spoiling = {
    readonly what: string;
    readonly table: 'schedules' | 'read.scheduled';
    readonly of: keyof typeof ids;
    readonly spoil: string;
    /** Of the event that ended it; none: where the rows stand. */
    readonly ended?: string;
  };
  const spoilings: readonly Spoiling[] = [
    {
      what: 'that waits, with another time',
      table: 'schedules',
      of: 'waiting',
      spoil: "execute_at = execute_at - interval '1 hour'",
    },
    {
      what: 'that waits, cancelled by nobody',
      table: 'schedules',
      of: 'waiting',
      spoil: "status = 'cancelled'",
    },
    {
      what: 'that was executed, and would be again',
      table: 'schedules',
      of: 'done',
      spoil: "status = 'scheduled'",
      ended: 'scheduled.executed',
    },
    {
      what: 'that failed, and is said to have been executed',
      table: 'schedules',
      of: 'declined',
      spoil: "status = 'executed'",
      ended: 'scheduled.executed',
    },
    {
      what: 'that was cancelled, with another time',
      table: 'schedules',
      of: 'cancelled',
      spoil: "execute_at = execute_at + interval '1 second'",
      ended: 'scheduled.cancelled',
    },
    {
      what: 'as it is read, of another user',
      table: 'read.scheduled',
      of: 'waiting',
      spoil: 'user_id = gen_random_uuid()',
    },
    {
      what: 'as it is read, of another place',
      table: 'read.scheduled',
      of: 'waitingToo',
      spoil: 'position = position + 1',
    },
    {
      what: 'as it is read, that ended elsewhere',
      table: 'read.scheduled',
      of: 'doneToo',
      spoil: 'ended_position = 1',
      ended: 'scheduled.executed',
    },
    {
      what: 'as it is read, cancelled and shown as waiting',
      table: 'read.scheduled',
      of: 'cancelled',
      spoil: "status = 'scheduled', ended_position = null",
      ended: 'scheduled.cancelled',
    },
  ];
  for (const { what, table, of, spoil, ended } of spoilings) {
    test(`${what}: found, and nothing else blamed`, async () => {
      const id = ids[of];
      await superuser.query(`create temporary table kept as select * from ${table} where id = '${id}'`);
      const found = await whenever(
        `update ${table} set ${spoil} where id = '${id}'`,
        `delete from ${table} where id = '${id}'; insert into ${table} select * from kept; drop table kept`,
      );
      const check: CheckName = table === 'schedules' ? 'schedule_heads' : 'read_models';
      const position = ended === undefined ? await headPosition() : await positionOf(id, ended);
      const first = found.find((finding) => finding.position === position && finding.expected.includes(id));
      assert.equal(first?.check, check, JSON.stringify(found));
      assert.deepEqual(
        found.filter((finding) => finding.check !== check),
        [],
      );
    });
  }

  for (const [table, of] of [
    ['schedules', 'waiting'],
    ['schedules', 'done'],
    ['read.scheduled', 'waitingToo'],
    ['read.scheduled', 'cancelled'],
  ] as const) {
    test(`that is gone from ${table} (${of}): found`, async () => {
      const id = ids[of];
      await superuser.query(`create temporary table kept as select * from ${table} where id = '${id}'`);
      const found = await whenever(
        `delete from ${table} where id = '${id}'`,
        `insert into ${table} select * from kept; drop table kept`,
      );
      assert.ok(
        found.some(({ expected }) => expected.includes(id)),
        JSON.stringify(found),
      );
    });
  }

  test('of a schedule that there is not: found', async () => {
    for (const status of ['scheduled', 'executed']) {
      const found = await whenever(
        `insert into schedules (ledger_id, id, execute_at, status) values (1, '${ANOTHER_ID}', now(), '${status}')`,
        `delete from schedules where id = '${ANOTHER_ID}'`,
      );
      assert.deepEqual(
        found.map(({ check }) => check),
        ['schedule_heads'],
        status,
      );
    }
  });
});

test('a personal value of a command that waits, exchanged: found', async () => {
  const field = `metadata:${ids.waiting}:to`;
  const found = await whenever(
    `update personal set value = 'Mallory' where field = '${field}'`,
    `update personal set value = 'Alice' where field = '${field}'`,
  );
  const position = await positionOf(ids.waiting, 'scheduled.created');
  assert.deepEqual(
    found.map((finding) => [finding.check, finding.position]),
    [['personal', position]],
  );
});

describe('In the log', () => {
  /** Rewrites an event; what was sealed contradicts that too. */
  async function forged(position: string, set: string): Promise<readonly Finding[]> {
    await superuser.query(`create temporary table kept as select * from events where position = ${position}`);
    const found = await whenever(
      `update events set ${set} where position = ${position}`,
      `delete from events where position = ${position}; insert into events select * from kept; drop table kept`,
    );
    return found.filter(({ check }) => check !== 'sealed' && check !== 'checkpoints');
  }

  const inData = (path: string, value: string): string =>
    `data = jsonb_set(data::jsonb, '${path}', '${value}')::json`;

  async function expectFound(position: string, set: string): Promise<void> {
    const found = await forged(position, set);
    assert.ok(
      found.some((finding) => finding.check === 'schedules' && finding.position === position),
      JSON.stringify(found),
    );
  }

  test('an execution before its time is found', async () => {
    const position = await positionOf(ids.done, 'scheduled.executed');
    await expectFound(position, `occurred_at = occurred_at - interval '1 minute'`);
  });

  test('a schedule for a time that had come is found', async () => {
    const position = await positionOf(ids.waiting, 'scheduled.created');
    await expectFound(position, inData('{schedule,executeAt}', '"2020-01-01T00:00:00.000Z"'));
  });

  test('another command than was scheduled is found', async () => {
    for (const [id, type] of [
      [ids.doneToo, 'scheduled.executed'],
      [ids.cancelled, 'scheduled.cancelled'],
    ] as const)
      await expectFound(await positionOf(id, type), inData('{schedule,command,amount}', '"11"'));
  });

  test('an outcome that is not what came of it is found', async () => {
    const executed = (id: string) => positionOf(id, 'scheduled.executed');
    await expectFound(await executed(ids.done), inData('{transactionId}', `"${ANOTHER_ID}"`));
    await expectFound(await executed(ids.done), inData('{outcome}', '"rejected"'));
    await expectFound(await executed(ids.declined), inData('{outcome}', '"posted"'));
    await expectFound(await executed(ids.placed), inData('{holdId}', `"${ANOTHER_ID}"`));
    await expectFound(await executed(ids.done), inData('{outcome}', '"failed"'));
  });

  test('a second end is found', async () => {
    // The same event once more, as the next of the log.
    const head = await headPosition();
    const next = (BigInt(head) + 1n).toString();
    const found = await whenever(
      `insert into events (ledger_id, position, id, type, version, actor, related_id, data, occurred_at, recorded_at)
       select ledger_id, ${next}, gen_random_uuid(), type, version, actor, related_id, data, now(), now()
         from events where position = ${await positionOf(ids.cancelled, 'scheduled.cancelled')};
       update ledgers set head_position = ${next}`,
      `delete from events where position = ${next}; update ledgers set head_position = ${head}`,
    );
    const first = found.find(({ check }) => check === 'schedules');
    assert.equal(first?.position, next);
    assert.match(first.expected, new RegExp(`^schedule ${ids.cancelled} to (wait|stay cancelled)$`));
  });
});
