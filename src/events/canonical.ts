/**
 * Canonical JSON (RFC 8785): one spelling for equal values, so that bytes can be hashed and compared. Values
 * here are strings, booleans, nulls, arrays and objects: the log has no numbers but versions and legs.
 */
import serialize from 'canonicalize';

/** Throws for what JSON cannot say (undefined at the top, functions, NaN, lone surrogates). */
export function canonicalJson(value: unknown): string {
  const text = serialize(value);
  if (text === undefined) throw new TypeError('not representable as JSON');
  return text;
}
