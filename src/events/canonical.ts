/**
 * Canonical JSON (RFC 8785): one spelling for equal values, so that bytes can be hashed and compared. Values
 * here are strings, booleans, nulls, arrays and objects: the log has no numbers but versions and legs.
 */
import serialize from 'canonicalize';

/**
 * Throws for what JSON cannot say (undefined at the top, functions, NaN, lone surrogates). JSON.stringify spells strings
 * and numbers as the RFC does, so of plain values only the order of members is ours; anything unusual is left to the
 * library, which the tests hold this to.
 */
export function canonicalJson(value: unknown): string {
  const ordered = inOrder(value);
  const text = ordered === UNUSUAL ? serialize(value) : JSON.stringify(ordered);
  if (text === undefined) throw new TypeError('not representable as JSON');
  return text;
}

const UNUSUAL = Symbol('left to the library');

/** The value with the members of its objects in the order of their names; itself where they are so already. */
function inOrder(value: unknown): unknown {
  if (typeof value === 'string') return value.isWellFormed() ? value : UNUSUAL;
  if (typeof value === 'boolean' || value === null) return value;
  if (Array.isArray(value)) return arrayInOrder(value);
  const isPlain = typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype;
  return isPlain ? objectInOrder(value as Record<string, unknown>) : UNUSUAL;
}

function arrayInOrder(items: readonly unknown[]): unknown {
  const ordered = items.map(inOrder);
  if (ordered.includes(UNUSUAL)) return UNUSUAL;
  return ordered.every((item, index) => item === items[index]) ? items : ordered;
}

/** An engine enumerates names that look like an index first, and one name is no member at all. */
const UNUSUAL_NAME = /^(?:[0-9]|__proto__$|toJSON$)/;

function objectInOrder(object: Readonly<Record<string, unknown>>): unknown {
  const names = Object.keys(object);
  let isSame = isSorted(names);
  if (!isSame) sort(names);
  const members: unknown[] = [];
  for (const name of names) {
    const member = inOrder(object[name]);
    if (member === UNUSUAL || UNUSUAL_NAME.test(name) || !name.isWellFormed()) return UNUSUAL;
    isSame &&= member === object[name];
    members.push(member);
  }
  // Events are made in their order: most of them need no copy.
  if (isSame) return object;
  const ordered: Record<string, unknown> = {};
  for (const [index, name] of names.entries()) ordered[name] = members[index];
  return ordered;
}

const MANY = 20;

/** Few are put in order where they are, by insertion: what sorts many makes garbage for each. */
function sort(names: string[]): void {
  if (names.length > MANY) return void names.sort();
  for (let next = 1; next < names.length; next += 1) {
    const name = names[next] as string;
    let at = next;
    for (; at > 0 && (names[at - 1] as string) > name; at -= 1) names[at] = names[at - 1] as string;
    names[at] = name;
  }
}

/** By UTF-16 code units, as the RFC has it and JavaScript compares. */
function isSorted(names: readonly string[]): boolean {
  for (let index = 1; index < names.length; index += 1) {
    if ((names[index - 1] ?? '') > (names[index] ?? '')) return false;
  }
  return true;
}
