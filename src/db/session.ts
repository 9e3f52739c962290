/** What a session is begun with: settings travel with the request for a connection and cost no statement. */

/** Roles of the cluster that `migrate` makes; see rights.ts for what each may. */
export type Role = 'coffer_service' | 'coffer_auditor';

export type SessionRequest = { readonly connectionString: string; readonly options: string };

/**
 * A URL may bring `options` of its own. The driver would take those instead of ours, so they are put together here, ours
 * last, where they hold.
 */
export function sessionOf(url: string, settings: Readonly<Record<string, string>>): SessionRequest {
  const { base, query } = parted(url);
  const own = query.get('options');
  query.delete('options');
  const options = Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`);
  return {
    connectionString: query.size === 0 ? base : `${base}?${query.toString()}`,
    options: [...(own === null ? [] : [own]), ...options].join(' '),
  };
}

/** The URL whose sessions work as `role` from their first statement on. */
export function asRole(url: string, role: Role): string {
  const { connectionString, options } = sessionOf(url, { role });
  return `${connectionString}${connectionString.includes('?') ? '&' : '?'}options=${encodeURIComponent(options)}`;
}

/** By hand: URLs of sockets have no host, which not every reader of URLs takes. */
function parted(url: string): { base: string; query: URLSearchParams } {
  const at = url.indexOf('?');
  return at === -1
    ? { base: url, query: new URLSearchParams() }
    : { base: url.slice(0, at), query: new URLSearchParams(url.slice(at + 1)) };
}
