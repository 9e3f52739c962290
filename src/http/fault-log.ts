/**
 * What is logged of requests that failed. A bug is logged whole, each time. What concerns everyone turns away thousands within
 * a second, just when there is no time to write a line for each: one tells of all of its kind.
 */
import type { FastifyRequest } from 'fastify';
import type { Problem } from './problems.ts';

const ONE_LINE_IN_MS = 1_000;

export type FaultLog = (request: Pick<FastifyRequest, 'id' | 'log'>, problem: Problem, error: Error) => void;

/** `nowMs`: a clock that never goes back. */
export function createFaultLog(nowMs: () => number = () => performance.now()): FaultLog {
  const told = new Map<string, { atMs: number; untold: number }>();

  return ({ id: reqId, log }, { status, code }, error) => {
    if (status === 500) return log.error({ reqId, err: error }, 'a request failed');
    const now = nowMs();
    const last = told.get(code);
    if (last !== undefined && now - last.atMs < ONE_LINE_IN_MS) {
      last.untold += 1;
      return;
    }
    const others = last?.untold ?? 0;
    told.set(code, { atMs: now, untold: 0 });
    log.warn(
      { reqId, code, reason: error.message, ...(others > 0 && { others }) },
      'a request was turned away',
    );
  };
}
