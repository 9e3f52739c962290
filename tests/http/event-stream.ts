/** A client of the event stream: reads it block by block, and stops reading when a test wants it to. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { until } from '../support/until.ts';

export type Block = {
  readonly id: string | null;
  readonly event: string | null;
  readonly data: string | null;
  readonly comment: string | null;
};

export type EventStream = {
  readonly response: IncomingMessage;
  /** All that came so far. */
  readonly blocks: readonly Block[];
  /** Those that have data. */
  events(): Block[];
  /** Resolves once so many events have come. */
  untilEvents(count: number): Promise<Block[]>;
  isOver(): boolean;
  /** Ends it from the client's side. */
  hangUp(): void;
};

export async function openStream(
  port: number,
  path: string,
  headers: Record<string, string> = {},
): Promise<EventStream> {
  const request = get({ port, host: '127.0.0.1', path, headers, agent: false });
  request.on('error', () => undefined);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  assert.equal(response.statusCode, 200);
  const blocks: Block[] = [];
  let rest = '';
  let over = false;
  response.setEncoding('utf8');
  response.on('data', (chunk: string) => {
    const texts = (rest + chunk).split('\n\n');
    rest = texts.pop() ?? '';
    blocks.push(...texts.map(blockOf));
  });
  response.on('error', () => undefined);
  response.on('close', () => {
    over = true;
  });
  const events = (): Block[] => blocks.filter(({ data }) => data !== null);
  return {
    ...{ response, blocks, events },
    untilEvents: (count) => until(`${count} events`, () => events().length >= count && events()),
    isOver: () => over,
    hangUp: () => void request.destroy(),
  };
}

function blockOf(text: string): Block {
  const lines = text.split('\n');
  const field = (name: string): string | null =>
    lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2) ?? null;
  return { id: field('id'), event: field('event'), data: field('data'), comment: field('') };
}
