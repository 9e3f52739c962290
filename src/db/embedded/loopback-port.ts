import { createServer, type AddressInfo } from 'node:net';

/** A TCP port that is free on 127.0.0.1 now: `preferred` if it can be had, else one of the system's choice. */
export async function chooseLoopbackPort(preferred: number | undefined): Promise<number> {
  if (preferred !== undefined && preferred > 0 && preferred < 65_536) {
    const free = await tryPort(preferred).catch(() => undefined);
    if (free !== undefined) return free;
  }
  return await tryPort(0);
}

function tryPort(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      const { port: chosen } = server.address() as AddressInfo;
      server.close(() => resolve(chosen));
    });
  });
}
