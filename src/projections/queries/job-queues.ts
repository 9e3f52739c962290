/**
 * The jobs of pg-boss, by queue: those of one ledger, and where the ledger is `main` those that are of none, such as rebuilds. How
 * much another ledger has to do is nobody else's business.
 */
import type { Transaction } from '../../db/transaction.ts';
import { MAIN_LEDGER } from '../../db/ledgers.ts';
import { DEAD_LETTERS } from '../jobs.ts';

export type JobQueue = {
  readonly queue: string;
  readonly queued: number;
  readonly active: number;
  /** Those that are still kept: a failed job goes after a minute. */
  readonly failed: number;
  /** Jobs that failed each time they were tried, of the last day. */
  readonly deadLetters: number;
};

export async function readJobQueues(tx: Transaction, ledgerId: number): Promise<JobQueue[]> {
  const { rows } = await tx.query<JobQueue>({
    name: 'job-queues',
    text: `
select q.name as queue,
       (count(*) filter (where j.name = q.name and j.state in ('created', 'retry')))::integer as queued,
       (count(*) filter (where j.name = q.name and j.state = 'active'))::integer as active,
       (count(*) filter (where j.name = q.name and j.state = 'failed'))::integer as failed,
       (count(*) filter (where j.name = $1::text))::integer as "deadLetters"
  from pgboss.queue q
  left join pgboss.job j
    on (j.name = q.name or (j.name = $1::text and j.source_name = q.name))
   and case
         when j.data ->> 'ledgerId' is null
         then exists (select from ledgers l where l.id = $2::integer and l.slug = $3::text)
         else j.data ->> 'ledgerId' = $2::integer::text
       end
 where q.name <> $1::text
   and not starts_with(q.name, '__')
 group by q.name
 order by q.name`,
    values: [DEAD_LETTERS, ledgerId, MAIN_LEDGER],
  });
  return rows;
}
