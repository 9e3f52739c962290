/**
 * Whether a proof is written the one way that the service writes it. A digit group of another alphabet, a time in another
 * zone, a member that is not hashed: what can be written in two ways could be shown in one and hashed in the other.
 */

const POSITION = /^(?:0|[1-9][0-9]{0,18})$/;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const HEX = /^(?:[0-9a-f]{2})*$/;
const SHA256 = /^[A-Za-z0-9+/]{43}=$/;
const MOST_HASHES = 64;

type Check = (value: unknown) => boolean;

const text: Check = (value) => typeof value === 'string' && value.isWellFormed();
const matching =
  (pattern: RegExp): Check =>
  (value) =>
    typeof value === 'string' && pattern.test(value);
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const listOf =
  (check: Check, most: number): Check =>
  (value) =>
    Array.isArray(value) && value.length <= most && value.every(check);
const time: Check = (value) => {
  const at = typeof value === 'string' ? new Date(value) : null;
  return at !== null && !Number.isNaN(at.getTime()) && at.toISOString() === value;
};
const smallint: Check = (value) =>
  Number.isInteger(value) && Number(value) >= 0 && Number(value) < 2 ** 15 && !Object.is(value, -0);

const EVENT: Readonly<Record<string, Check>> = {
  position: matching(POSITION),
  id: matching(UUID),
  type: text,
  version: smallint,
  idempotencyKey: orNull(text),
  fingerprint: orNull(matching(HEX)),
  actor: text,
  correlationId: orNull(text),
  relatedId: orNull(matching(UUID)),
  occurredAt: time,
  recordedAt: time,
  effectiveAt: orNull(time),
  data: text,
};

const PROOF: Readonly<Record<string, Check>> = {
  position: matching(POSITION),
  leafIndex: matching(POSITION),
  treeSize: matching(POSITION),
  leafHash: matching(SHA256),
  hashes: listOf(matching(SHA256), MOST_HASHES),
  rootHash: matching(SHA256),
  checkpoint: orNull(text),
  publicKeys: listOf(text, 1_000),
  event: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
};

/** A sentence about the first thing that is not as it has to be; null where all is. */
export function faultOf(proof: unknown): string | null {
  if (typeof proof !== 'object' || proof === null || Array.isArray(proof)) return 'A proof is a JSON object.';
  const outer = faultIn(proof, PROOF, '');
  return outer ?? faultIn((proof as { event: object }).event, EVENT, 'event.');
}

function faultIn(value: object, checks: Readonly<Record<string, Check>>, prefix: string): string | null {
  for (const [name, check] of Object.entries(checks)) {
    if (!Object.hasOwn(value, name)) return `${prefix}${name} is missing.`;
    if (!check(Reflect.get(value, name))) return `${prefix}${name} is not as the service writes it.`;
  }
  const unknown = Object.keys(value).find((name) => !Object.hasOwn(checks, name));
  return unknown === undefined
    ? null
    : `${prefix}${unknown} is nothing that is hashed: it does not belong here.`;
}
