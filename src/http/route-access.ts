/**
 * What a caller has to hold for a route. A route may say so itself; otherwise it follows from method and path, so that one that
 * somebody forgot is not open.
 */
import type { FastifyRequest } from 'fastify';
import type { Scope } from '../access/scopes.ts';

/** open: nothing; any: a key, whatever its scopes. */
export type Access = 'open' | 'any' | Scope;

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
  }
}

export type RouteLike = {
  readonly method: string | readonly string[];
  readonly url: string;
  readonly access?: Access | undefined;
};

/** `method` in capitals, `url` as the route has it. */
export function accessOf({ method, url, access }: RouteLike): Access {
  if (access !== undefined) return access;
  if (isUnder(url, '/docs')) return 'any';
  if (isUnder(url, '/keys') || isReserved(url, method)) return 'admin';
  if (isUnder(url, '/events') || isUnder(url, '/audit')) return 'audit:read';
  return [method].flat().every(isReading) ? 'queries:read' : 'commands:write';
}

/**
 * Read models are rebuilt for all ledgers together, and figures of a rebuild are of all logs: keys of the first ledger, whose
 * owner runs the service, may see to it, and no others.
 */
export function isOfAllLedgers(url: string): boolean {
  return isUnder(url, '/projections') && url !== '/projections';
}

/** What people open with a browser. */
export function isDocumentation({ routeOptions: { url } }: FastifyRequest): boolean {
  return url !== undefined && (isUnder(url, '/docs') || url === '/openapi.json');
}

/** Of a path that is none, only who has a key is told so. */
export function accessOfRequest(request: FastifyRequest): Access {
  const { config, method, url } = request.routeOptions;
  if (request.is404 || url === undefined) return 'any';
  return accessOf({ method, url, access: config.access });
}

/** What cannot be taken back, and what occupies the whole database. */
function isReserved(url: string, method: RouteLike['method']): boolean {
  if ([method].flat().every(isReading)) return false;
  return isUnder(url, '/projections') || url.endsWith('/erase');
}

function isUnder(url: string, path: string): boolean {
  return url === path || url.startsWith(`${path}/`);
}

function isReading(method: string): boolean {
  return method === 'GET' || method === 'HEAD';
}
