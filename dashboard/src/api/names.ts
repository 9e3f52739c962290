/** E-mails by user id, asked for once each: rows of a table name the same few people again and again. */
import { useEffect } from 'preact/hooks';
import { createStore, useStore } from '../lib/store.ts';
import { read } from './client.ts';
import type { User } from './types.ts';

const names = createStore<Record<string, string>>({});
const asked = new Set<string>();
const MOST_ASKED = 1_000;

export function noteNames(users: readonly User[]): void {
  names.set(Object.fromEntries(users.map(({ id, email }) => [id, email])));
}

async function askFor(id: string): Promise<void> {
  const reply = await read<User>(`/users/${id}`);
  if (reply.kind === 'answered') names.set({ [id]: reply.body.email });
  else if (reply.kind === 'refused') names.set({ [id]: 'an erased user' });
  else asked.delete(id);
}

/** Those that are known already, without asking for others: a feed may name more people than can be asked for. */
export function useKnownNames(): Readonly<Record<string, string>> {
  return useStore(names);
}

/** `of` gives a short id until the name is known. */
export type Names = { of(id: string): string };

export function useNames(): Names {
  const known = useStore(names);
  const missing: string[] = [];
  useEffect(() => {
    for (const id of missing) {
      if (asked.has(id) || asked.size >= MOST_ASKED) continue;
      asked.add(id);
      void askFor(id);
    }
  });
  return {
    of(id) {
      const name = known[id];
      if (name === undefined) missing.push(id);
      return name ?? `${id.slice(0, 8)}…`;
    },
  };
}
