/** Addresses and names that lead to this machine and nowhere else. */
import { isIPv4 } from 'node:net';

/** `host`: as it is listened on, or the name in a Host header without its port. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase();
  if (name === 'localhost' || name === '::1' || name === '[::1]') return true;
  return name.startsWith('127.') && isIPv4(name);
}

export class OpenDoorError extends Error {
  constructor(host: string) {
    super(
      `HOST=${host} would let everyone who reaches this machine move money: there is no authentication. ` +
        'Set COFFER_ADMIN_KEY, or COFFER_ADMIN_KEY_FILE, to a secret of 32 characters or more ' +
        '(such as `openssl rand -hex 32` prints), make a key with `coffer keys create`, or set HOST to 127.0.0.1.',
    );
    this.name = 'OpenDoorError';
  }
}

/** Throws OpenDoorError where the service would listen to others without asking who they are. */
export function refuseOpenDoor(host: string, authenticates: boolean): void {
  if (!authenticates && !isLoopback(host)) throw new OpenDoorError(host);
}
