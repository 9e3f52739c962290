// autocannon comes without types; this is the part of it that is used here.
declare module 'autocannon' {
  import type { EventEmitter } from 'node:events';

  export type Client = EventEmitter & { getRequestBuffer: () => string | Buffer };

  export type Options = {
    url: string;
    connections: number;
    duration: number;
    timeout: number;
    setupClient: (client: Client) => void;
  };

  export type Result = { errors: number; timeouts: number; non2xx: number; '2xx': number; duration: number };

  export default function autocannon(options: Options): EventEmitter & PromiseLike<Result>;
}
