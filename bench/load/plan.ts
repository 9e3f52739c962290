// What a load sends: a list of requests, rendered once to the bytes of HTTP/1.1, that the generator runs
// through in a circle. Only the Idempotency-Key differs from one round to the next, so a request costs
// the generator one concatenation.

export type PlannedRequest = { method: 'GET' | 'POST'; path: string; body?: object };

export type LoadPlan = {
  requests: readonly PlannedRequest[];
  /** Whether each request carries an Idempotency-Key of its own. */
  keyed: boolean;
  /** Such keys that start with the time, as clients are told to send, unless they are to land anywhere in the index. */
  keys?: 'timed' | 'random';
};

export type RenderedRequest = { head: string; tail: string };

/** The wire text before and after the key. A request without a key has all of it in `head`. */
export function renderRequest(host: string, request: PlannedRequest, keyed: boolean): RenderedRequest {
  const lines = [`${request.method} ${request.path} HTTP/1.1`, `Host: ${host}`];
  let body = '';
  if (request.body !== undefined) {
    body = JSON.stringify(request.body);
    lines.push('Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`);
  }
  const head = lines.join('\r\n') + '\r\n';
  return keyed
    ? { head: `${head}Idempotency-Key: `, tail: `\r\n\r\n${body}` }
    : { head: `${head}\r\n${body}`, tail: '' };
}

export function topups(users: readonly string[], assetSlug: string): LoadPlan {
  const requests = users.map((userId) => ({
    method: 'POST' as const,
    path: '/transactions/topup',
    body: { userId, assetSlug, amount: '1' },
  }));
  return { requests, keyed: true };
}

/** Between random pairs of users. `random` is handed in so that every system gets the same pairs. */
export function transfers(
  users: readonly string[],
  assetSlug: string,
  count: number,
  random: () => number,
): LoadPlan {
  const requests = Array.from({ length: count }, () => {
    const from = Math.floor(random() * users.length);
    // A step of 1 to length - 1 around the circle never lands on `from` again.
    const to = (from + 1 + Math.floor(random() * (users.length - 1))) % users.length;
    return {
      method: 'POST' as const,
      path: '/transactions/transfer',
      body: { fromUserId: users[from], toUserId: users[to], assetSlug, amount: '1' },
    };
  });
  return { requests, keyed: true };
}

export function balanceReads(users: readonly string[], assetSlug: string): LoadPlan {
  const requests = users.map((userId) => ({
    method: 'GET' as const,
    path: `/wallets/${userId}/${assetSlug}/balance`,
  }));
  return { requests, keyed: false };
}

/** Mulberry32: a seeded generator, since a benchmark that draws other pairs each time compares nothing. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
