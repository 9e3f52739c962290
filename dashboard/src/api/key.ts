/** The API key, where the service wants one: kept for this tab and no longer. */
import { connection } from './connection.ts';

const onKey = new Set<() => void>();

const NAME = 'coffer.api-key';

export function authorization(): Record<string, string> {
  const key = sessionStorage.getItem(NAME);
  return key === null ? {} : { authorization: `Bearer ${key}` };
}

/** As the page itself says, or where the service refused: until then nothing needs to be asked. */
export function askForKeyAtFirst(): void {
  connection.set({ wantsKey: document.documentElement.dataset['keys'] === 'required' && !hasKey() });
}

export function hasKey(): boolean {
  return sessionStorage.getItem(NAME) !== null;
}

export function takeKey(key: string): void {
  sessionStorage.setItem(NAME, key);
  connection.set({ wantsKey: false, refusedKey: false });
  for (const listener of onKey) listener();
}

export function subscribeToKey(listener: () => void): () => void {
  onKey.add(listener);
  return () => onKey.delete(listener);
}

/** `sent`: what was refused. A key that was entered meanwhile is none of it. */
export function refuseKey(sent: string | undefined): void {
  if (sent !== authorization()['authorization']) return;
  sessionStorage.removeItem(NAME);
  connection.set({ wantsKey: true, refusedKey: sent !== undefined });
}
