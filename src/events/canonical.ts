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
  let ordered: unknown[] | null = null;
  for (let index = 0; index < items.length; index += 1) {
    const item = inOrder(items[index]);
    if (item === UNUSUAL) return UNUSUAL;
    if (item !== items[index]) {
      ordered ??= [...items];
      ordered[index] = item;
    }
  }
  return ordered ?? items;
}

/** An engine enumerates names that look like an index first, and one name is no member at all. */
const UNUSUAL_NAME = /^(?:[0-9]|__proto__$|toJSON$)/;

/** Events are made in their order: most of them need no copy, and looking makes none. */
function objectInOrder(object: Readonly<Record<string, unknown>>): unknown {
  let isSorted = true;
  let changed: Map<string, unknown> | null = null;
  let previous = '';
  for (const name in object) {
    const member = inOrder(object[name]);
    if (member === UNUSUAL || UNUSUAL_NAME.test(name) || !name.isWellFormed()) return UNUSUAL;
    // By UTF-16 code units, as the RFC has it and JavaScript compares.
    if (name < previous) isSorted = false;
    previous = name;
    if (member !== object[name]) (changed ??= new Map()).set(name, member);
  }
  if (isSorted && changed === null) return object;
  const ordered: Record<string, unknown> = {};
  for (const name of sortedNames(object))
    ordered[name] = changed?.has(name) === true ? changed.get(name) : object[name];
  return ordered;
}

const MANY = 20;

/** Few are put in order where they are, by insertion: what sorts many makes garbage for each. */
function sortedNames(object: object): string[] {
  const names = Object.keys(object);
  if (names.length > MANY) return names.sort();
  for (let next = 1; next < names.length; next += 1) {
    const name = names[next] as string;
    let at = next;
    for (; at > 0 && (names[at - 1] as string) > name; at -= 1) names[at] = names[at - 1] as string;
    names[at] = name;
  }
  return names;
}
