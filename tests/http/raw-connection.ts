/** A TCP connection that says exactly what a test wants said, and hears the answers as they are. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import type { Service } from '../support/service.ts';

export type RawAnswer = {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly text: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into bodies of all shapes
  readonly body: any;
};

export type RawConnection = {
  send(text: string | Buffer): void;
  /** Resolves to the next answer; rejects when the connection ends before it is whole, or after a while. */
  answer(): Promise<RawAnswer>;
  /** Resolves once the other side has closed. */
  closed(): Promise<void>;
  /** Ends it as a process that dies would. */
  abort(): void;
};

const LIMIT_MS = 15_000;

export async function listen(service: Service): Promise<number> {
  await service.http.listen({ port: 0, host: '127.0.0.1' });
  return (service.http.server.address() as AddressInfo).port;
}

export async function openConnection(port: number): Promise<RawConnection> {
  const socket = connect({ port, host: '127.0.0.1' });
  await once(socket, 'connect');
  let received: Buffer = Buffer.alloc(0);
  const ended = new Promise<void>((resolve) => {
    socket.on('close', () => resolve());
  });
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
  });

  /** The first whole answer of what was received, taken out of it. */
  function take(): RawAnswer | null {
    const end = received.indexOf('\r\n\r\n');
    if (end === -1) return null;
    const [line = '', ...fields] = received.subarray(0, end).toString().split('\r\n');
    const headers = new Map(
      fields.map((field) => {
        const colon = field.indexOf(':');
        return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()];
      }),
    );
    const length = Number(headers.get('content-length') ?? 0);
    const rest = received.subarray(end + 4);
    if (rest.length < length) return null;
    const text = rest.subarray(0, length).toString();
    received = rest.subarray(length);
    const isJson = headers.get('content-type')?.includes('json') === true;
    const body: unknown = isJson ? JSON.parse(text) : null;
    return { status: Number(line.split(' ')[1]), headers, text, body };
  }

  return {
    send: (text) => void socket.write(text),
    async answer() {
      const signal = AbortSignal.timeout(LIMIT_MS);
      for (;;) {
        const whole = take();
        if (whole !== null) return whole;
        assert.ok(
          !socket.destroyed && !socket.readableEnded,
          `the connection ended after: ${received.toString()}`,
        );
        await Promise.race([once(socket, 'data', { signal }), ended]);
      }
    },
    async closed() {
      const late = new Promise<never>((_, reject) => {
        AbortSignal.timeout(LIMIT_MS).addEventListener('abort', () =>
          reject(new Error('the connection stays open')),
        );
      });
      await Promise.race([ended, late]);
    },
    abort: () => void socket.resetAndDestroy(),
  };
}

export function request(
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body = '',
): string {
  const fields = Object.entries({ host: 'localhost', ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  const length =
    body === '' ? '' : `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n`;
  return `${method} ${path} HTTP/1.1\r\n${fields.join('')}${length}\r\n${body}`;
}
