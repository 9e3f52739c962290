/**
 * What code that runs SQL is given. A function takes the transaction as its first argument and cannot reach
 * the pool, so a statement can never run outside of the transaction it was meant for.
 */
import type { QueryConfig, QueryResult, QueryResultRow } from 'pg';

export type Transaction = {
  query<Row extends QueryResultRow>(config: QueryConfig): Promise<QueryResult<Row>>;
};
