/**
 * Where somebody is, as the part of the address after #: `#/wallets/<user>/<asset>?transaction=<id>`. The paths before it
 * are the API's.
 */
import { useEffect, useState } from 'preact/hooks';

export const PAGES = ['wallets', 'activity', 'assets', 'operations', 'audit'] as const;
export type PageName = (typeof PAGES)[number];

export type Route = {
  readonly page: PageName;
  readonly parts: readonly string[];
  readonly params: Readonly<Record<string, string>>;
};

export function parseRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const [name, ...parts] = path.split('/').map(decode);
  const page = PAGES.find((known) => known === name) ?? 'wallets';
  return { page, parts, params: Object.fromEntries(new URLSearchParams(query)) };
}

/** A broken escape is no reason to show nothing. */
function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function hrefOf(route: {
  readonly page: PageName;
  readonly parts?: readonly string[];
  readonly params?: Readonly<Record<string, string>>;
}): string {
  const path = [route.page, ...(route.parts ?? [])].map(encodeURIComponent).join('/');
  const query = new URLSearchParams(route.params).toString();
  return `#/${path}${query === '' ? '' : `?${query}`}`;
}

/** The same place, with a transaction opened, or with none. */
export function withTransaction(route: Route, transactionId: string | null): string {
  const { transaction: _, ...params } = route.params;
  return hrefOf({
    ...route,
    params: transactionId === null ? params : { ...params, transaction: transactionId },
  });
}

export function useRoute(): Route {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const take = () => setHash(location.hash);
    addEventListener('hashchange', take);
    return () => removeEventListener('hashchange', take);
  }, []);
  return parseRoute(hash);
}
