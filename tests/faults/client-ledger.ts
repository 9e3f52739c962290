/**
 * The books that a client keeps: each command is written down before it is sent, each answer when it came. Whatever
 * happened to the service, these books and the log have to agree afterwards.
 */
import assert from 'node:assert/strict';
import { randomInt, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import type { Coffer, Reply } from '../support/coffer-process.ts';
import { anyCommand, definite, type Command, type Told } from '../support/load.ts';
import { until } from '../support/until.ts';

const READY_LIMIT_MS = 90_000;
/** What a client leaves between two commands: a load that goes on, and books that can be checked line by line. */
const PACE_MS = 30;
/** Retries and look-ups run side by side. */
const CHECKERS = 8;

export type Load = {
  /** Resolves once so many more commands were acknowledged. */
  acknowledgedMore(count: number): Promise<void>;
  /** Sends nothing new; resolves when every command under way has ended one way or the other. */
  stop(): Promise<void>;
};

export type ClientLedger = {
  readonly told: readonly Told[];
  acknowledged(): number;
  /** Resolves once a command has ended without an outcome. */
  someUnanswered(): Promise<void>;
  /** So many clients send one command after the other, each to one of the services as they are at that moment. */
  load(services: () => readonly Coffer[], clients: number): Load;
  /** Holds the log, and what retries are told, against the books. */
  assertTruth(coffer: Coffer, observer: pg.Client): Promise<Agreement>;
};

/** How the commands had ended before they were sent again. */
export type Agreement = {
  readonly acknowledged: number;
  readonly unansweredButDone: number;
  readonly unansweredAndNotDone: number;
};

export type Parties = { readonly users: readonly string[]; readonly assetSlug: string };

/** Users with funds in an asset of their own. */
export async function createParties(coffer: Coffer, count = 6): Promise<Parties> {
  const name = randomUUID();
  const assetSlug = `a_${name.replaceAll('-', '_')}`.slice(0, 20);
  await accepted(coffer.post('/assets', { slug: assetSlug }));
  const users: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const user = await accepted(coffer.post('/users', { email: `${index}-${name}@example.com` }));
    const userId = String(user.body.id);
    users.push(userId);
    await accepted(coffer.post('/transactions/topup', { userId, assetSlug, amount: '500' }));
  }
  return { users, assetSlug };
}

async function accepted(reply: Promise<Reply>): Promise<Reply> {
  const { status, text } = await reply;
  assert.equal(status, 201, text);
  return reply;
}

export function openClientLedger(parties: Parties): ClientLedger {
  const told: Told[] = [];
  const holds: string[] = [];
  let acknowledged = 0;
  let unanswered = 0;

  async function sendNext(services: () => readonly Coffer[]): Promise<void> {
    const entry: Told = { key: randomUUID(), command: nextCommand(parties, holds), replies: [] };
    told.push(entry);
    const among = services();
    const coffer = among[randomInt(among.length)]!;
    const reply = await coffer.post(entry.command.path, entry.command.body, entry.key).catch(() => null);
    if (reply !== null) entry.replies.push(reply);
    if (definite(entry).length > 0) acknowledged += 1;
    else {
      unanswered += 1;
      await until('a service is ready again', () => anyReady(services()), READY_LIMIT_MS);
    }
    if (reply?.status === 201 && entry.command.path === '/holds') holds.push(String(reply.body.holdId));
  }

  function load(services: () => readonly Coffer[], clients: number): Load {
    let stopped = false;
    const working = Promise.all(
      Array.from({ length: clients }, async () => {
        while (!stopped) {
          await sendNext(services);
          await delay(PACE_MS);
        }
      }),
    );
    return {
      async acknowledgedMore(count) {
        const wanted = acknowledged + count;
        await until(`${count} more commands are acknowledged`, () => acknowledged >= wanted, READY_LIMIT_MS);
      },
      async stop() {
        stopped = true;
        await working;
      },
    };
  }

  return {
    told,
    acknowledged: () => acknowledged,
    async someUnanswered() {
      await until('a command ends without an outcome', () => unanswered > 0, READY_LIMIT_MS);
    },
    load,
    assertTruth: (coffer, observer) => assertTruth(told, coffer, observer),
  };
}

/** Mostly money that moves; now and then a hold, or the end of one. */
function nextCommand({ users, assetSlug }: Parties, holds: string[]): Command {
  const chance = randomInt(10);
  const hold = chance === 0 ? holds.shift() : undefined;
  if (hold !== undefined) {
    const end = randomInt(2) === 0 ? 'capture' : 'release';
    return { path: `/holds/${hold}/${end}`, body: {} };
  }
  if (chance > 1) return anyCommand(users, assetSlug);
  const userId = users[randomInt(users.length)]!;
  return { path: '/holds', body: { userId, assetSlug, amount: String(randomInt(1, 20)) } };
}

async function anyReady(services: readonly Coffer[]): Promise<boolean> {
  const answers = await Promise.all(
    services.map((coffer) =>
      coffer.get('/ready').then(
        ({ status }) => status === 200,
        () => false,
      ),
    ),
  );
  return answers.includes(true);
}

/**
 * Every acknowledged command is in the log once with the outcome it was told, every other one there once or not at
 * all; sent again, each is told the truth: what was done is a replay of it, what was not is done now.
 */
async function assertTruth(told: readonly Told[], coffer: Coffer, observer: pg.Client): Promise<Agreement> {
  await until('it is ready', () => anyReady([coffer]), READY_LIMIT_MS);
  const positions = await positionsOf(told, observer);
  const counts = { acknowledged: 0, unansweredButDone: 0, unansweredAndNotDone: 0 };
  let next = 0;
  async function check(): Promise<void> {
    for (let entry = told[next++]; entry !== undefined; entry = told[next++]) {
      const position = positions.get(entry.key) ?? null;
      const [first] = definite(entry);
      if (first !== undefined) {
        counts.acknowledged += 1;
        await assertAcknowledged(entry, { first, position, coffer });
      } else {
        if (position === null) counts.unansweredAndNotDone += 1;
        else counts.unansweredButDone += 1;
        await assertRetryTellsTheTruth(entry, position, coffer);
      }
    }
  }
  await Promise.all(Array.from({ length: CHECKERS }, check));
  return counts;
}

/** Positions of the events that carry these keys; none carries two. */
async function positionsOf(told: readonly Told[], observer: pg.Client): Promise<Map<string, string>> {
  const { rows } = await observer.query<{ key: string; position: string }>(
    'select idempotency_key as key, position::text as position from events where idempotency_key = any ($1::text[])',
    [told.map(({ key }) => key)],
  );
  const positions = new Map(rows.map(({ key, position }) => [key, position]));
  assert.equal(positions.size, rows.length, 'a key is in the log more than once');
  return positions;
}

async function assertAcknowledged(
  entry: Told,
  known: { first: Reply; position: string | null; coffer: Coffer },
): Promise<void> {
  const { first, position, coffer } = known;
  for (const reply of definite(entry)) assert.equal(reply.text, first.text, 'two answers to one key differ');
  assert.equal(position, first.headers.get('coffer-position'), `acknowledged, but not there: ${first.text}`);
  const { status, body, text } = await coffer.get(`/idempotency-keys/${entry.key}`);
  assert.equal(status, 200, text);
  assert.deepEqual([body.status, body.position, body.outcome], [first.status, position, first.body]);
  const again = await coffer.post(entry.command.path, entry.command.body, entry.key);
  assert.deepEqual([again.status, again.text], [first.status, first.text]);
  assert.equal(again.headers.get('idempotent-replayed'), 'true');
}

async function assertRetryTellsTheTruth(entry: Told, position: string | null, coffer: Coffer): Promise<void> {
  const { command, key, replies } = entry;
  // Nothing but "nobody knows", "not now", or no answer at all may have come before.
  for (const { status, text } of replies) assert.equal(status, 503, text);
  const reply = await coffer.post(command.path, command.body, key);
  assert.ok(reply.status === 201 || reply.status === 422, reply.text);
  assert.equal(reply.headers.get('idempotent-replayed'), position === null ? null : 'true');
  if (position !== null) assert.equal(reply.headers.get('coffer-position'), position);
  replies.push(reply);
}
