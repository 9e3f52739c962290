/** Clients that send commands over HTTP and write down what they were told, to hold the service to it. */
import { randomInt, randomUUID } from 'node:crypto';
import type { Coffer, Reply } from './coffer-process.ts';

export type Command = { readonly path: string; readonly body: Readonly<Record<string, string>> };

/** What a client knows of one key: what it asked for, and every answer it was given. */
export type Told = { readonly key: string; readonly command: Command; readonly replies: Reply[] };

/** Top-ups, spends and transfers over a few users; some will lack funds. */
export function anyCommand(users: readonly string[], assetSlug: string): Command {
  const at = randomInt(users.length);
  const [userId, toUserId] = [users[at]!, users[(at + 1) % users.length]!];
  const amount = String(randomInt(1, 40));
  const kind = (['topup', 'spend', 'spend', 'transfer'] as const)[randomInt(4)]!;
  const parties = kind === 'transfer' ? { fromUserId: userId, toUserId } : { userId };
  return { path: `/transactions/${kind}`, body: { ...parties, assetSlug, amount } };
}

export function newKeys(count: number, command: () => Command): Told[] {
  return Array.from({ length: count }, () => ({ key: randomUUID(), command: command(), replies: [] }));
}

/** So many clients work off the list together; an answer that never comes is not written down. */
export async function send(coffer: Coffer, list: readonly Told[], clients: number): Promise<void> {
  let next = 0;
  async function work(): Promise<void> {
    for (let told = list[next++]; told !== undefined; told = list[next++]) {
      const { key, command, replies } = told;
      const reply = await coffer.post(command.path, command.body, key).catch(() => null);
      if (reply !== null) replies.push(reply);
    }
  }
  await Promise.all(Array.from({ length: clients }, work));
}

/** Answers that say what became of a command; a 503 says that it is to be sent again. */
export function definite(told: Told): Reply[] {
  return told.replies.filter(({ status }) => status === 201 || status === 422);
}
