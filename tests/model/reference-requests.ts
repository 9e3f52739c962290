/** What the contract says of keys and batches, around the rules of the ledger: how to answer each request. */
import { perform } from './reference-ledger.ts';
import { refused } from './reference-words.ts';
import type { Command, Ledger, Outcome } from './reference-terms.ts';

/** By its own route, in a batch where each is for itself, or in one of all or none. */
export type Via = 'route' | 'each' | 'atomic';

export type Item = { readonly key: string; readonly command: Command };

export type Request = { readonly via: Via; readonly items: readonly Item[] };

/** Of one command. A replay has the very bytes of the first answer under its key. */
export type Expected = { readonly outcome: Outcome; readonly replayed: boolean };

export type ExpectedReply =
  | { readonly kind: 'answered'; readonly answers: readonly Expected[] }
  | { readonly kind: 'batch_refused'; readonly index: number; readonly answer: Expected }
  | { readonly kind: 'not_a_batch'; readonly status: 400 | 422; readonly code: string };

export type Reference = {
  ledger: Ledger;
  /** What was done or refused under each key that is remembered. */
  readonly remembered: Map<string, Remembered>;
};

export type Remembered = { readonly command: Command; readonly outcome: Outcome };

export function expectReply(reference: Reference, { via, items }: Request): ExpectedReply {
  if (via === 'atomic') return expectAtomic(reference, items);
  return { kind: 'answered', answers: items.map((item) => expectOne(reference, item)) };
}

/** No key is looked at, and nothing is left of it. */
export function expectDryRun({ ledger }: Reference, { via, items }: Request): ExpectedReply {
  const tried = { ledger: structuredClone(ledger), remembered: new Map() };
  const keyless = items.map(({ command }, index) => ({ command, key: String(index) }));
  return expectReply(tried, { via, items: keyless });
}

function expectOne({ ledger, remembered }: Reference, { key, command }: Item): Expected {
  const first = remembered.get(key);
  if (first !== undefined) {
    if (isSame(first.command, command)) {
      if (showsErased(ledger, first)) return { outcome: refused(410, 'subject_erased'), replayed: false };
      return { outcome: first.outcome, replayed: true };
    }
    return { outcome: refused(422, 'idempotency_key_reused'), replayed: false };
  }
  const outcome = perform(ledger, command);
  if (outcome.kind === 'done' || outcome.status === 422) remembered.set(key, { command, outcome });
  return { outcome, replayed: false };
}

/** Of all that is asked here, only who changes the status of a user is shown something personal: the e-mail. */
export function showsErased(ledger: Ledger, { command, outcome }: Remembered): boolean {
  return (
    command.kind === 'user.status' &&
    outcome.kind === 'done' &&
    ledger.users.get(command.user)?.erased === true
  );
}

function expectAtomic(reference: Reference, items: readonly Item[]): ExpectedReply {
  const { ledger, remembered } = reference;
  const keys = items.map(({ key }) => key);
  if (new Set(keys).size < keys.length)
    return { kind: 'not_a_batch', status: 400, code: 'validation_failed' };
  const known = [...keys.keys()].filter((index) => remembered.has(keys[index]!));
  if (known.length > 0) return expectKnown(reference, items, known);

  reference.ledger = structuredClone(ledger);
  const answers = items.map((item): Expected => {
    return { outcome: perform(reference.ledger, item.command), replayed: false };
  });
  const index = answers.findIndex(({ outcome }) => outcome.kind === 'refused');
  if (index === -1) {
    for (const [at, item] of items.entries())
      remembered.set(item.key, { command: item.command, outcome: answers[at]!.outcome });
    return { kind: 'answered', answers };
  }
  reference.ledger = ledger;
  return { kind: 'batch_refused', index, answer: keepRefusal(reference, items[index]!, answers[index]!) };
}

/** Of what the batch did nothing is left, but the attempt that was declined is in the log and has its key. */
function keepRefusal({ ledger, remembered }: Reference, { key, command }: Item, tried: Expected): Expected {
  const { outcome } = tried;
  if (outcome.kind === 'done' || outcome.status !== 422) return tried;
  const { kind: type } = command;
  const nothing = { user: null, asset: null, postings: [], lines: [], reversed: 0n, reversals: 0 };
  const transaction = ledger.transactions.push({ type, declined: true, ...nothing }) - 1;
  const kept = { ...outcome, transaction };
  remembered.set(key, { command, outcome: kept });
  return { outcome: kept, replayed: false };
}

/** The same batch is answered again; any other that shares keys with what was done is another request. */
function expectKnown(
  { remembered }: Reference,
  items: readonly Item[],
  known: readonly number[],
): ExpectedReply {
  const firsts = known.map((index) => remembered.get(items[index]!.key)!);
  const same = known.every((index, at) => isSame(firsts[at]!.command, items[index]!.command));
  const [first] = firsts;
  if (same && known.length === 1 && first!.outcome.kind === 'refused')
    return { kind: 'batch_refused', index: known[0]!, answer: { outcome: first!.outcome, replayed: true } };
  if (same && known.length === items.length && firsts.every(({ outcome }) => outcome.kind === 'done'))
    return { kind: 'answered', answers: firsts.map(({ outcome }) => ({ outcome, replayed: true })) };
  return { kind: 'not_a_batch', status: 422, code: 'idempotency_key_reused' };
}

function isSame(one: Command, other: Command): boolean {
  const text = (command: Command) =>
    JSON.stringify(command, (_name, value: unknown) =>
      typeof value === 'bigint' ? value.toString() : value,
    );
  return text(one) === text(other);
}
