/** Events that a superuser deleted, moved, put in or swapped. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CheckName } from '../../src/audit/fold/finding.ts';
import { verifyAll } from './filled-ledger.ts';
import { EVENTS, findingsAt, rewritableLedger } from './rewritten-log.ts';

const { withCopy } = rewritableLedger();

/** Each by itself: from there on the positions or the tree are others. */
const SINGLE: readonly {
  readonly what: string;
  readonly sql: string;
  readonly finds: readonly (readonly [CheckName, bigint | null])[];
}[] = [
  {
    what: 'a deleted event',
    sql: 'delete from events where position = 500',
    finds: [
      ['positions', 501n],
      ['checkpoints', 700n],
      ['checkpoints', 1_300n],
    ],
  },
  {
    what: 'the last event deleted',
    sql: `delete from events where position = ${EVENTS}`,
    finds: [['positions', 1_500n]],
  },
  {
    what: 'an event deleted with all that belongs to it, and the later ones moved down',
    sql: `
create temporary table gone as select 500::bigint as position;
do $$
declare
  name text;
begin
  foreach name in array array['events', 'ledger_entries', 'idempotency_keys', 'read.transactions_1'] loop
    execute format('delete from %s where position = 500', name);
    execute format('update %s set position = -position where position > 500', name);
    execute format('update %s set position = -position - 1 where position < 0', name);
  end loop;
end
$$;
update ledgers set head_position = head_position - 1;
update read.checkpoints set position = position - 1`,
    finds: [
      ['sealed', 257n],
      ['sealed', 513n],
      ['checkpoints', 700n],
    ],
  },
  {
    what: 'a forged event put in between',
    sql: `
update events set position = -position where position > 500;
update events set position = -position + 1 where position < 0;
insert into events
select ledger_id, 501, gen_random_uuid(), type, version, null, null, actor, null, null, data, occurred_at, recorded_at, null
  from events where position = 500;
update ledgers set head_position = head_position + 1`,
    finds: [
      ['sealed', 257n],
      ['checkpoints', 700n],
    ],
  },
  {
    what: 'a forged event beyond the head',
    sql: `insert into events select 1, 1501, gen_random_uuid(), type, version, null, null, actor, null, null, data, occurred_at, recorded_at
            from events where position = 1500`,
    finds: [['positions', 1_501n]],
  },
  {
    what: 'a forged event before the beginning',
    sql: `insert into events select 1, 0, gen_random_uuid(), type, version, null, null, actor, null, null, data, occurred_at, recorded_at
            from events where position = 1`,
    finds: [['positions', 0n]],
  },
  {
    what: 'a head that was lowered',
    sql: 'update ledgers set head_position = 1450',
    finds: [['positions', 1_451n]],
  },
  {
    what: 'a head that was raised',
    sql: 'update ledgers set head_position = 1510',
    finds: [['positions', 1_501n]],
  },
  {
    what: 'two sealed events swapped',
    sql: `
update events set position = -position where position in (500, 501);
update events set position = 1001 + position where position < 0`,
    finds: [
      ['sealed', 257n],
      ['checkpoints', 700n],
    ],
  },
  {
    what: 'an older log put in place of the sealed one',
    sql: 'delete from events where position > 1200; update ledgers set head_position = 1200',
    finds: [['sealed', null]],
  },
];

describe('Events that are not where they were are found:', () => {
  for (const { what, sql, finds } of SINGLE)
    test(what, () =>
      withCopy(async (copy) => {
        await copy.superuser.query(sql);
        const verdict = await verifyAll(copy.url);
        for (const [check, position] of finds)
          assert.notEqual(
            findingsAt(verdict, check, position).length,
            0,
            `${check} ${position} ${JSON.stringify(verdict.findings.slice(0, 20), null, 1)}`,
          );
      }),
    );
});
