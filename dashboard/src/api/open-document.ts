/** Documents that need the key, in a tab of their own: the browser shows what this page fetched. */
import { authorization } from './key.ts';

const TIMEOUT_MS = 10_000;
const KEPT_MS = 60_000;
/** The pages of the documentation fetch their parts without a key; the document that they show is this one. */
const INSTEAD: Readonly<Record<string, string>> = { '/docs': '/openapi.json' };

/** Never rejects: a refusal is a document too, and shown. */
export async function openDocument(path: string): Promise<void> {
  // Now, while the click is fresh: later on it would be a pop-up.
  const tab = globalThis.open('', '_blank');
  if (tab === null) return;
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await fetch(INSTEAD[path] ?? path, { headers: authorization(), signal });
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    const shown = isJson ? JSON.stringify(JSON.parse(text), null, 2) : text;
    const url = URL.createObjectURL(new Blob([shown], { type: 'text/plain;charset=utf-8' }));
    tab.location.href = url;
    setTimeout(() => URL.revokeObjectURL(url), KEPT_MS);
  } catch {
    tab.close();
  }
}
