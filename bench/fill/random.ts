// Chance that can be had again: the same seed gives the same log, byte for byte.

const UINT16 = 2 ** 16;
const UINT32 = 2 ** 32;

/** Four hexadecimal digits of each number of 16 bits: several ids an event were felt. */
const HEX = Array.from({ length: UINT16 }, (_, value) => value.toString(16).padStart(4, '0'));

export type Random = {
  /** From 0 up to, not including, the bound. */
  below(bound: number): number;
  chance(probability: number): boolean;
  bytes(count: number): Buffer;
  /** UUIDv4. */
  uuid(): string;
  /** UUIDv7 of a time. */
  uuidAt(timeMs: number): string;
};

/** sfc32 by Chris Doty-Humphrey: small, fast, and good enough to make up a log. Secrets are not made of it. */
export function createRandom(seed: number): Random {
  let a = 0;
  let b = seed >>> 0;
  let c = Math.floor(seed / UINT32) >>> 0;
  let counter = 1;

  function next(): number {
    const result = (a + b + counter++) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + result;
    return result >>> 0;
  }
  // Seeds that are neighbours start alike.
  for (let round = 0; round < 15; round += 1) next();

  /** Random bits under a mask, above them the bits that are given. */
  const group = (given: number, mask: number) => HEX[given | (next() & mask)];
  const tail = () => `${group(0x8000, 0x3fff)}-${group(0, 0xffff)}${group(0, 0xffff)}${group(0, 0xffff)}`;

  return {
    below: (bound) => Math.floor((next() / UINT32) * bound),
    chance: (probability) => next() / UINT32 < probability,
    bytes(count) {
      const bytes = Buffer.alloc(count);
      for (let at = 0; at < count; at += 1) bytes[at] = next() & 255;
      return bytes;
    },
    uuid: () =>
      `${group(0, 0xffff)}${group(0, 0xffff)}-${group(0, 0xffff)}-${group(0x4000, 0x0fff)}-${tail()}`,
    uuidAt(timeMs) {
      const high = Math.floor(timeMs / UINT32);
      const middle = Math.floor(timeMs / UINT16) % UINT16;
      return `${HEX[high]}${HEX[middle]}-${HEX[timeMs % UINT16]}-${group(0x7000, 0x0fff)}-${tail()}`;
    },
  };
}
