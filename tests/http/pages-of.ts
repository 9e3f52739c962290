/** Walks a list to its end, as a client would. */
import assert from 'node:assert/strict';
import type { Service } from '../support/service.ts';

// oxlint-disable-next-line typescript/no-explicit-any -- items of all lists
export type Item = any;

export type Walk = { readonly items: Item[]; readonly sizes: number[] };

const MOST_PAGES = 500;

/** `between` runs after each page but the last. */
export async function pagesOf(
  service: Service,
  path: string,
  limit: number,
  between: () => Promise<unknown> = () => Promise.resolve(),
): Promise<Walk> {
  const items: Item[] = [];
  const sizes: number[] = [];
  let cursor = '';
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const joint = path.includes('?') ? '&' : '?';
    const reply = await service.get(`${path}${joint}limit=${limit}${cursor}`);
    assert.equal(reply.status, 200, reply.text);
    items.push(...reply.body.data);
    sizes.push(reply.body.data.length);
    if (reply.body.nextCursor === null) return { items, sizes };
    assert.equal(reply.body.data.length, limit, 'only the last page may be short');
    cursor = `&cursor=${reply.body.nextCursor}`;
    await between();
  }
  throw new Error(`${path} has no end`);
}
