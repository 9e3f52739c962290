/**
 * Who a browser may speak for. A page of another site can make a browser on this machine ask whatever it likes: under a
 * name that it lets lead here (DNS rebinding), where it reads the answers too, or across sites, where it does not, but
 * the write is done. Names are checked while nothing else says who asks; writes across sites are never served.
 */
import type { IncomingMessage } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { InvalidRequestError } from '../errors.ts';
import { RequestFaultError } from './error-handler.ts';
import { isLoopback } from './loopback.ts';

export type OriginRules = {
  /** Names beyond those of this machine, in lower case and without ports. */
  readonly allowedHosts: readonly string[];
  /** Asked at each request: keys may come into force at any time. */
  readonly authenticates: () => boolean;
};

const HOST = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+?)\.?(?::[0-9]{1,5})?$/;

/** The name in a Host header, without its port; null where it is none. */
export function hostNameOf(header: string | undefined): string | null {
  return header === undefined ? null : (HOST.exec(header.toLowerCase())?.[1] ?? null);
}

export function isHostAllowed(header: string | undefined, rules: OriginRules): boolean {
  // A key says who asks, whatever name was used; and who runs behind a proxy need not list its names.
  if (rules.allowedHosts.length === 0 && rules.authenticates()) return true;
  const name = hostNameOf(header);
  return name !== null && (isLoopback(name) || rules.allowedHosts.includes(name));
}

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** True for what a browser sends on behalf of a page of another origin. What is no browser sends neither header. */
export function isCrossSite(headers: Headers, allowedHosts: readonly string[]): boolean {
  const { host, origin, 'sec-fetch-site': site } = headers;
  // `same-site` is another port of this machine, or a neighbour in the same domain.
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  if (origin === undefined) return false;
  const from = URL.canParse(String(origin)) ? new URL(String(origin)) : null;
  if (from === null || from.host === '') return true;
  return from.host !== String(host).toLowerCase() && !allowedHosts.includes(from.hostname);
}

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * The path of a request that names the whole URL, as one to a proxy does. Whoever is asked has to go by that name then, and
 * by no Host header (RFC 9112, 3.2.2).
 */
export function pathOfTarget({ url = '/', headers }: IncomingMessage): string {
  if (url.startsWith('/')) return url;
  const [, authority, path = ''] = /^https?:\/\/([^/?#]*)(.*)$/i.exec(url) ?? [];
  if (authority === undefined) return url;
  headers.host = authority;
  return path.startsWith('/') ? path : `/${path}`;
}

const NO_ONE_HOST = new InvalidRequestError([{ path: 'headers.host', message: 'must be sent, once' }]);

/** What is wrong with where a request comes from; undefined: nothing. */
export function originFaultOf(
  { headers, method, raw }: FastifyRequest,
  rules: OriginRules,
): RequestFaultError | InvalidRequestError | undefined {
  // Several are joined by commas. A client of HTTP/1.0 need not send one.
  if (headers.host === undefined ? raw.httpVersionMinor >= 1 : headers.host.includes(',')) return NO_ONE_HOST;
  if (!isHostAllowed(headers.host, rules)) {
    return new RequestFaultError(
      'host_not_allowed',
      'The service does not go by the name in the Host header.',
    );
  }
  if (!SAFE_METHODS.has(method) && isCrossSite(headers, rules.allowedHosts)) {
    return new RequestFaultError('cross_site_write', 'A page of another site may not write here.');
  }
  return undefined;
}
