/** A pool whose statements each ask a gate first: a test says when each of them leaves, or that it never does. */
import pg from 'pg';
import { openWritePool } from '../support/write-side.ts';

export type Statement = { readonly name: string; readonly pid: number };

/** Resolves when the statement may leave; rejects for one that never will. */
export type Gate = (statement: Statement, client: pg.PoolClient) => Promise<void>;

export type GatedPool = {
  readonly pool: pg.Pool;
  /** Statements that have left and are not answered. */
  underWay(): readonly Statement[];
  close(): Promise<void>;
};

/** `gate` is asked anew for each statement, so it may change between two of them. */
export function openGatedPool(url: string, gate: () => Gate): GatedPool {
  const pool = openWritePool(url);
  const underWay = new Set<Statement>();

  function gated(client: pg.PoolClient): pg.PoolClient {
    // What is asked for together leaves in that order.
    let last: Promise<unknown> = Promise.resolve();
    async function ask(query: pg.QueryConfig | string): Promise<unknown> {
      const name = typeof query === 'string' ? query : (query.name ?? query.text);
      // The driver's types leave out what it documents.
      const { processID: pid } = client as unknown as { processID: number };
      const statement = { name, pid };
      const before = last;
      const allowed = (async () => {
        await before.catch(() => undefined);
        await gate()(statement, client);
      })();
      last = allowed;
      await allowed;
      underWay.add(statement);
      try {
        return await client.query(query as pg.QueryConfig);
      } finally {
        underWay.delete(statement);
      }
    }
    return new Proxy(client, {
      get(target, property) {
        if (property === 'query') return ask;
        const value: unknown = Reflect.get(target, property);
        return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
      },
    });
  }

  const gatedPool = new Proxy(pool, {
    get(target, property) {
      if (property === 'connect') return async () => gated(await pool.connect());
      const value: unknown = Reflect.get(target, property);
      return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
    },
  });
  return { pool: gatedPool, underWay: () => [...underWay], close: () => pool.end() };
}
