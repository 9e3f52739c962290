/** Refuses at once what could only be answered late, or at the price of the process: a 503 costs next to nothing. */
import { getHeapStatistics } from 'node:v8';
import underPressure from '@fastify/under-pressure';
import type { FastifyInstance } from 'fastify';
import { OperationalError } from '../errors.ts';

/** Of the heap that Node may use; beyond it, collecting garbage takes all the time there is. */
const MAX_HEAP_SHARE = 0.95;

/** Who watches the service has to be told how it is, above all then. */
const ALWAYS_ANSWERED = new Set(['/health', '/ready', '/metrics']);

/** `maxLagMs`: how late the event loop may be, on the average of a second; 0 switches all of this off. */
export async function refuseUnderPressure(app: FastifyInstance, maxLagMs: number): Promise<void> {
  if (maxLagMs === 0) return;
  await app.register(underPressure, {
    maxEventLoopDelay: maxLagMs,
    maxHeapUsedBytes: getHeapStatistics().heap_size_limit * MAX_HEAP_SHARE,
    pressureHandler: (request, _reply, type) => {
      if (ALWAYS_ANSWERED.has(request.routeOptions.url ?? '')) return;
      const what = type === 'eventLoopDelay' ? 'time' : 'memory';
      throw new OperationalError('overloaded', `The service has no ${what} left for more requests.`, {
        retryAfterSeconds: 1,
      });
    },
  });
}
