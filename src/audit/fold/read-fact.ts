/** How a fold reads the stored data of an event. */
import type { Fact } from '../../events/catalog.ts';
import { upcast } from '../../events/upcast.ts';

/** As it is stored; `text` is its JSON. */
export type StoredFact = { readonly type: string; readonly version: number; readonly text: string };

/** The fact of the version of today, and the data as it is stored. Throws for what is no JSON, or fits no schema. */
export type ReadFact = (stored: StoredFact) => { readonly fact: Fact; readonly data: unknown };

/** A copy by itself. Strings of a fact may be cut out of the text of their event, and one that is kept would keep all of it. */
export function ownText(text: string): string {
  return Buffer.from(text).toString();
}

/** By the catalog's schemas, which is slow where there is much to read. */
export const readFactBySchema: ReadFact = ({ type, version, text }) => {
  const data: unknown = JSON.parse(text);
  return { fact: upcast({ type, version, data }), data };
};
