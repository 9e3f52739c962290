/** What a step of a rebuild has taken upon itself, and the rows that this program may take. */
import type { Projection } from '../projection.ts';

export type Claimed = { readonly projection: string; readonly generation: number };

/** Told as soon as a step knows what it works on: a failure is then noted there. */
export type Claim = (claimed: Claimed) => void;

/** `g` limited to projections and versions of this program, $1 and $2; what is first in the catalog comes first. */
export const known = `join unnest($1::text[], $2::integer[]) with ordinality as known (projection, version, rank)
    on known.projection = g.projection
   and known.version = g.version`;

export function projectionOf(
  projections: readonly Projection[],
  { projection }: { projection: string },
): Projection {
  const found = projections.find(({ name }) => name === projection);
  if (found === undefined) throw new Error(`${projection} is not in the catalog`);
  return found;
}
