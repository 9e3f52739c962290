/** So many requests a minute, of each key or else each address, in this process. Off unless it is configured. */
import { isIPv6 } from 'node:net';
import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { OperationalError } from '../errors.ts';

const WINDOW_MS = 60_000;
/** Clients that are remembered; who was not seen longest is forgotten, and begins anew. */
const MAX_CLIENTS = 20_000;

const NEVER_LIMITED = new Set(['/health', '/ready', '/metrics']);

/** `perMinute`: 0 is any number. */
export async function limitRate(app: FastifyInstance, perMinute: number): Promise<void> {
  if (perMinute === 0) return;
  await app.register(rateLimit, {
    max: perMinute,
    timeWindow: WINDOW_MS,
    cache: MAX_CLIENTS,
    keyGenerator: clientOf,
    allowList: (request) => NEVER_LIMITED.has(request.routeOptions.url ?? ''),
    errorResponseBuilder: (_request, { max, ttl }) =>
      new OperationalError('rate_limited', `There were more than ${max} requests in a minute.`, {
        retryAfterSeconds: Math.max(1, Math.ceil(ttl / 1_000)),
      }),
  });
}

/** A household has one IPv4 address or a whole /64 of IPv6, and a machine may have any number of the latter. */
export function networkOf(address: string): string {
  if (!isIPv6(address) || address.includes('.')) return address;
  const [left = '', right = ''] = address.split('::');
  const leading = left === '' ? [] : left.split(':');
  const trailing = right === '' ? [] : right.split(':');
  const zeros = Array.from({ length: 8 - leading.length - trailing.length }, () => '0');
  const groups = address.includes('::') ? [...leading, ...zeros, ...trailing] : leading;
  return `${groups
    .slice(0, 4)
    .map((group) => parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}

function clientOf(request: FastifyRequest): string {
  const grant = request.caller?.grant ?? null;
  return grant === null ? networkOf(request.ip) : grant.keyId;
}
